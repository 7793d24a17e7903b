// What happens while a lesson runs: each event a dot (right is later, up is older), how often each age was seen, and counters as bars.

const SVG = "http://www.w3.org/2000/svg";
const [HEIGHT, LEFT, BOTTOM] = [220, 56, 196];
/** Where dots end and the histogram begins, as a share of the width. */
const SPLIT = 0.68;
const MOST_DOTS = 1500;
const BINS = 24;

export class Live {
    /** @param {HTMLElement} place */
    constructor(place) {
        this.place = place;
        this.clear();
    }

    clear() {
        this.place.replaceChildren();
        this.counters = new Map();
    }

    /**
     * A chart of ages.
     * @param {{name: string, title: string}[]} lanes transports @param {number} most the greatest age that is expected, ms
     * @param {number} seconds how long the run takes @param {string} [title] @param {number} [events] how many there will be, all lanes together
     */
    ages(lanes, most, seconds, title = "Each dot is an event: how old it was when it was heard", events = 0) {
        return new Ages(this.place, lanes, most, seconds, title, events);
    }

    /** How many of something there were in each 100 ms. @param {string} name @param {string} title @param {number} ms how long */
    storm(name, title, ms) {
        const place = this.place.appendChild(document.createElement("div"));
        const caption = place.appendChild(document.createElement("p"));
        caption.className = "hint";
        caption.textContent = title;
        const svg = place.appendChild(document.createElementNS(SVG, "svg"));
        const [width, height, count] = [widthOf(this.place), 70, Math.ceil(ms / 100)];
        svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
        svg.setAttribute("role", "img");
        svg.setAttribute("aria-label", title);
        svg.dataset.transport = name;
        const bins = new Array(count).fill(0);
        const bars = bins.map((_, bin) => {
            const bar = svg.appendChild(document.createElementNS(SVG, "rect"));
            bar.setAttribute("x", String((bin / count) * width));
            bar.setAttribute("width", String(width / count - 0.5));
            return bar;
        });
        const axis = svg.appendChild(document.createElementNS(SVG, "line"));
        for (const [key, value] of Object.entries({ x1: 0, x2: width, y1: height - 1, y2: height - 1, class: "axis" })) axis.setAttribute(key, String(value));
        return {
            add(at) {
                const bin = Math.min(count - 1, Math.max(0, Math.floor(at / 100)));
                bins[bin] += 1;
                // The tallest fills the height, but a few aren't made to look like many.
                const top = Math.max(20, ...bins);
                bars.forEach((bar, place) => {
                    const tall = (bins[place] / top) * (height - 8);
                    bar.setAttribute("y", String(height - 1 - tall));
                    bar.setAttribute("height", String(tall));
                });
                caption.textContent = `${title}: ${bins.reduce((sum, one) => sum + one, 0)} in all, ${Math.max(...bins)} at most`;
            },
        };
    }

    /** A counter with a bar. @param {string} name @param {string} label @param {number} most the length of the whole bar */
    counter(name, label, most) {
        if (this.counters.size === 0) {
            this.list = this.place.appendChild(document.createElement("dl"));
            this.list.className = "lesson-counters";
        }
        const line = this.list.appendChild(document.createElement("div"));
        line.dataset.transport = name;
        const term = line.appendChild(document.createElement("dt"));
        term.textContent = label;
        const value = line.appendChild(document.createElement("dd"));
        const bar = document.createElement("span");
        bar.className = "bar";
        const number = document.createElement("span");
        value.append(number, bar);
        const counter = {
            value: 0,
            set(next, shown = String(Math.round(next))) {
                counter.value = next;
                number.textContent = shown;
                bar.style.width = `${Math.min(100, (100 * next) / most)}%`;
            },
        };
        counter.set(0);
        this.counters.set(name + label, counter);
        return counter;
    }
}

/** The next number whose quarters are round. @param {number} most */
function rounded(most) {
    const size = 10 ** Math.floor(Math.log10(Math.max(most, 4) / 4));
    return 4 * size * ([1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10].find((step) => 4 * size * step >= most) ?? 10);
}

/** As many units as it has pixels, so that text is as large as all other text. @param {HTMLElement} place */
const widthOf = (place) => Math.max(260, Math.min(896, Math.round(place.clientWidth || place.parentElement.clientWidth)));

class Ages {
    constructor(place, lanes, most, seconds, title, events) {
        this.most = rounded(most);
        this.seconds = seconds;
        this.begin = performance.now();
        this.waiting = [];
        // Of many, only every so-manieth is a dot; all are counted.
        this.each = Math.max(1, Math.ceil(events / MOST_DOTS));
        this.seen = 0;
        this.dots = 0;
        this.width = widthOf(place);
        this.split = this.width * SPLIT;
        const caption = document.createElement("p");
        caption.className = "hint";
        caption.textContent = title;
        const legend = document.createElement("p");
        legend.className = "legend";
        this.svg = document.createElementNS(SVG, "svg");
        this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
        this.svg.setAttribute("role", "img");
        this.svg.setAttribute("aria-label", title);
        this.axes();
        this.lanes = new Map();
        for (const { name, title } of lanes) {
            const group = this.draw(this.svg, "g", { "data-transport": name.split("#")[0], class: "lane" });
            const bins = this.draw(this.svg, "g", { "data-transport": name.split("#")[0], class: "bins" });
            const key = legend.appendChild(document.createElement("span"));
            key.dataset.transport = name.split("#")[0];
            const mark = key.appendChild(document.createElement("span"));
            mark.className = "transport";
            const text = document.createElement("span");
            text.textContent = title;
            mark.append(text);
            const mean = key.appendChild(document.createElement("span"));
            mean.className = "mean";
            this.lanes.set(name, { group, bins, mean, sum: 0, count: 0, histogram: new Array(BINS).fill(0) });
        }
        place.append(caption, legend, this.svg);
    }

    axes() {
        this.draw(this.svg, "line", { x1: LEFT, x2: this.width, y1: BOTTOM, y2: BOTTOM, class: "axis" });
        for (let step = 0; step <= 4; step += 1) {
            const age = (this.most * step) / 4;
            const y = this.y(age);
            this.draw(this.svg, "line", { x1: LEFT, x2: this.width, y1: y, y2: y, class: "guide" });
            this.draw(this.svg, "text", { x: LEFT - 6, y: y + 4, class: "tick", "text-anchor": "end" }).textContent = `${Math.round(age)} ms`;
        }
        this.draw(this.svg, "text", { x: LEFT, y: HEIGHT - 6, class: "tick" }).textContent = "time";
        this.draw(this.svg, "text", { x: this.split + 12, y: HEIGHT - 6, class: "tick" }).textContent = "how many of each age";
    }

    y(age) {
        return BOTTOM - (Math.min(Math.max(age, 0), this.most) / this.most) * (BOTTOM - 10);
    }

    /** @param {string} name @param {number} age ms */
    add(name, age) {
        this.waiting.push([name, age, performance.now()]);
        this.frame ??= requestAnimationFrame(() => this.show());
    }

    /** Once a frame, however many came. */
    show() {
        this.frame = undefined;
        const changed = new Set();
        for (const [name, age, at] of this.waiting.splice(0)) {
            const lane = this.lanes.get(name);
            lane.sum += age;
            lane.count += 1;
            lane.histogram[Math.min(BINS - 1, Math.max(0, Math.floor((age / this.most) * BINS)))] += 1;
            changed.add(lane);
            if ((this.seen += 1) % this.each !== 0 || this.dots > MOST_DOTS * 1.5) continue;
            this.dots += 1;
            const x = LEFT + Math.min(1, (at - this.begin) / 1000 / this.seconds) * (this.split - LEFT - 6) + 3;
            this.draw(lane.group, "circle", { cx: x.toFixed(1), cy: this.y(age).toFixed(1), r: 2.5 });
        }
        for (const lane of changed) {
            lane.mean.textContent = `mean ${Math.round(lane.sum / lane.count)} ms of ${lane.count}`;
            this.bars(lane);
        }
    }

    bars(lane) {
        const top = Math.max(...lane.histogram);
        const height = (BOTTOM - 10) / BINS;
        const bars = lane.histogram.map((count, bin) => {
            const bar = document.createElementNS(SVG, "rect");
            const attributes = { x: this.split + 12, y: BOTTOM - (bin + 1) * height + 1, width: (count / top) * (this.width - this.split - 16), height: height - 2 };
            for (const [key, value] of Object.entries(attributes)) bar.setAttribute(key, String(value));
            return bar;
        });
        lane.bins.replaceChildren(...bars.filter((_, bin) => lane.histogram[bin]));
    }

    draw(parent, name, attributes) {
        const element = document.createElementNS(SVG, name);
        for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
        return parent.appendChild(element);
    }
}
