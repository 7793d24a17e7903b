// A sequence diagram that runs: time goes down, the browser is on the left, the server on the right, and each message is an arrow between the moment it
// was sent and the moment it arrived. A request that waits for its answer is a bar at the server; what was useless is pale; what a cut took away breaks off.

import { Surface } from "./canvas.js";
import { bytes, ms } from "./format.js";

/** Above so many arrows in view they have no heads, and no words. */
const CROWDED = 120;
const NARROW = 17;

export class Diagram {
    /**
     * @param {HTMLElement} host is filled; takes the focus and the keys
     * @param {import("./traffic.js").Traffic} traffic
     * @param {import("./timeline.js").Timeline} timeline
     * @param {string} title the transport's name
     * @param {(message: import("./traffic.js").Message) => void} [chosen] a message was chosen by pointer or key
     */
    constructor(host, traffic, timeline, title, chosen = () => {}) {
        Object.assign(this, { host, traffic, timeline, chosen });
        host.classList.add("diagram");
        host.tabIndex = 0;
        host.setAttribute("role", "group");
        host.setAttribute("aria-label", `${title}: sequence diagram. Up and down arrows go through the messages, Page Up and Page Down through time, Escape runs on.`);
        const canvas = host.appendChild(document.createElement("canvas"));
        canvas.setAttribute("aria-hidden", "true");
        this.tip = host.appendChild(document.createElement("output"));
        this.tip.className = "tip";
        this.tip.hidden = true;
        this.surface = new Surface(canvas, () => timeline.tell());
        /** @type {import("./traffic.js").Message | null} */
        this.chosenOne = null;
        this.hovered = null;
        this.end = timeline.draws(() => this.draw());
        canvas.addEventListener("pointermove", (event) => this.hover(event));
        canvas.addEventListener("pointerleave", () => this.point(null));
        canvas.addEventListener("click", (event) => this.choose(this.nearest(event)));
        host.addEventListener("keydown", (event) => this.key(event));
        host.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
        host.addEventListener("blur", () => this.point(null));
    }

    close() {
        this.end();
        this.surface.close();
        this.host.replaceChildren();
    }

    // ---- Where things are ----

    get left() {
        return NARROW;
    }

    get right() {
        return this.surface.width - NARROW;
    }

    y(us) {
        return this.surface.height * (1 - (this.timeline.end - us) / this.timeline.span);
    }

    /** Both ends of an arrow, as far as it has come. */
    line(message) {
        const end = this.timeline.end;
        const up = message.way === "up";
        const [x0, x1] = up ? [this.left, this.right] : [this.right, this.left];
        const whole = message.arrived_us - message.sent_us;
        const done = whole > 0 ? Math.min(1, (end - message.sent_us) / whole) : 1;
        const [y0, y1] = [this.y(message.sent_us), this.y(message.arrived_us)];
        return { x0, y0, x1: x0 + (x1 - x0) * done, y1: y0 + (y1 - y0) * done, whole: done === 1 };
    }

    // ---- Drawing ----

    draw() {
        const paint = this.surface.clear();
        if (!paint) return;
        const { colours, width, height, size, font } = this.surface;
        const { end, span } = this.timeline;
        const start = end - span;
        this.visible = this.traffic.between(start, end);
        const crowded = this.visible.length > CROWDED;
        paint.font = `${Math.round(size * 0.75)}px ${font}`;
        paint.textBaseline = "middle";
        this.seconds(paint, start, end);
        this.lifelines(paint, start, end);
        this.bars(paint, start, end);

        // One path for all of a kind: thousands of arrows are two strokes.
        const shown = { pale: [], plain: [] };
        for (const message of this.visible) shown[this.traffic.isUseless(message) ? "pale" : "plain"].push(message);
        paint.lineWidth = 1.5;
        paint.globalAlpha = 0.4;
        this.arrows(paint, shown.pale, colours.own, crowded);
        paint.globalAlpha = 1;
        this.arrows(paint, shown.plain, colours.own, crowded);
        this.losses(paint, start, end);
        this.connections(paint, start, end);
        this.events(paint, start, end, crowded);
        if (!crowded) this.words(paint);
        const marked = this.hovered ?? this.chosenOne;
        if (marked) {
            paint.lineWidth = 3.5;
            this.arrows(paint, [marked], colours.ink, false);
        }
        if (this.timeline.paused) {
            paint.fillStyle = colours.quiet;
            paint.fillRect(0, height - 2, width, 2);
        }
    }

    /** A quiet line at each full step of time, so that slopes can be read. */
    seconds(paint, start, end) {
        const { colours, width } = this.surface;
        const step = [50e3, 100e3, 250e3, 500e3, 1e6, 2e6, 5e6, 10e6, 30e6].find((one) => this.timeline.span / one <= 8) ?? 60e6;
        paint.strokeStyle = colours.rule;
        paint.fillStyle = colours.quiet;
        paint.lineWidth = 1;
        paint.beginPath();
        for (let at = Math.ceil(start / step) * step; at < end; at += step) {
            const y = Math.round(this.y(at)) + 0.5;
            paint.moveTo(this.left, y);
            paint.lineTo(width - NARROW, y);
        }
        paint.stroke();
    }

    /** Solid where at least one connection is open, dotted where none is. */
    lifelines(paint, start, end) {
        const { colours } = this.surface;
        const changes = this.traffic.connections;
        let open = this.traffic.open.size;
        for (const change of changes) if (change.at > start) open += change.opened ? -1 : 1;
        const pieces = [];
        let from = start;
        for (const change of changes) {
            if (change.at <= start || change.at > end) continue;
            pieces.push([from, change.at, open > 0]);
            open += change.opened ? 1 : -1;
            from = change.at;
        }
        pieces.push([from, end, open > 0]);
        paint.strokeStyle = colours.quiet;
        for (const [a, b, solid] of pieces) {
            if (b <= a) continue;
            paint.lineWidth = solid ? 1.5 : 1;
            paint.setLineDash(solid ? [] : [2, 5]);
            paint.beginPath();
            for (const x of [this.left, this.right]) {
                paint.moveTo(x, this.y(a));
                paint.lineTo(x, this.y(b));
            }
            paint.stroke();
        }
        paint.setLineDash([]);
    }

    /** From a request's arrival until its answer is sent: the server holds it. An open stream is held as long as it is open. */
    bars(paint, start, end) {
        const { colours } = this.surface;
        paint.fillStyle = colours.own;
        for (const { request, response, ended } of this.traffic.exchanges.values()) {
            if (!request) continue;
            const streams = response?.continues === true;
            const until = response && !streams ? response.sent_us : (ended ?? end);
            if (until < start || request.arrived_us > end) continue;
            const y = this.y(Math.max(request.arrived_us, start - this.timeline.span));
            const tall = this.y(Math.min(until, end)) - y;
            if (tall < 1) continue;
            paint.globalAlpha = streams ? 0.3 : 0.55;
            paint.fillRect(this.right - 3.5, y, 7, tall);
            // At the browser: the request is unanswered.
            paint.globalAlpha = 0.16;
            if (!streams) paint.fillRect(this.left - 3.5, this.y(request.sent_us), 7, this.y(Math.min(response?.arrived_us ?? ended ?? end, end)) - this.y(request.sent_us));
        }
        paint.globalAlpha = 1;
    }

    arrows(paint, messages, colour, crowded) {
        paint.strokeStyle = colour;
        paint.fillStyle = colour;
        for (const dashed of [false, true]) {
            paint.setLineDash(dashed ? [4, 3] : []);
            paint.beginPath();
            for (const message of messages) {
                if ((message.preflight === true) !== dashed) continue;
                const { x0, y0, x1, y1 } = this.line(message);
                paint.moveTo(x0, y0);
                paint.lineTo(x1, y1);
            }
            paint.stroke();
        }
        paint.setLineDash([]);
        if (crowded) return;
        paint.beginPath();
        for (const message of messages) {
            const line = this.line(message);
            if (!line.whole || message.cut) continue;
            const angle = Math.atan2(line.y1 - line.y0, line.x1 - line.x0);
            paint.moveTo(line.x1, line.y1);
            for (const turn of [-0.42, 0.42]) paint.lineTo(line.x1 - 8 * Math.cos(angle + turn), line.y1 - 8 * Math.sin(angle + turn));
        }
        paint.fill();
    }

    /** What a cut took away: an arrow that breaks off half-way, with a cross. */
    losses(paint, start, end) {
        const { colours } = this.surface;
        paint.strokeStyle = colours.bad;
        for (const loss of this.traffic.lost) {
            if (loss.at_us < start || loss.sent_us > end) continue;
            const up = loss.way === "up";
            const x0 = up ? this.left : this.right;
            const x = (this.left + this.right) / 2;
            const [y0, y] = [this.y(loss.sent_us), this.y(loss.at_us)];
            paint.lineWidth = 1.5;
            paint.setLineDash([5, 3]);
            paint.beginPath();
            paint.moveTo(x0, y0);
            paint.lineTo(x, y);
            paint.stroke();
            paint.setLineDash([]);
            cross(paint, x, y, 4);
        }
    }

    /** A connection's beginning is a ring at both ends, its end a cross; one that was refused is a cross alone. */
    connections(paint, start, end) {
        const { colours } = this.surface;
        for (const change of this.traffic.connections) {
            if (change.at < start || change.at > end || change.brief) continue;
            const y = this.y(change.at);
            paint.lineWidth = 2;
            paint.strokeStyle = !change.opened && change.how !== "fin" ? colours.bad : colours.quiet;
            for (const x of [this.left, this.right]) {
                if (change.opened) {
                    paint.beginPath();
                    paint.arc(x, y, 3.5, 0, 7);
                    paint.fillStyle = colours.paper;
                    paint.fill();
                    paint.stroke();
                } else cross(paint, x, y, 4);
            }
        }
    }

    /** An event is a diamond where it was published and a dot where the page had it. */
    events(paint, start, end, crowded) {
        const { colours } = this.surface;
        const events = this.traffic.events;
        paint.fillStyle = colours.ink;
        paint.beginPath();
        for (let index = events.length - 1; index >= 0; index -= 1) {
            const event = events[index];
            if (event.received < start) break;
            if (event.received <= end) {
                const y = this.y(event.received);
                paint.moveTo(this.left + 4, y);
                paint.arc(this.left, y, crowded ? 2 : 4, 0, 7);
            }
        }
        const { published } = this.traffic;
        const half = crowded ? 2 : 4.5;
        for (let index = published.length - 1; index >= 0 && published[index] >= start; index -= 1) {
            if (published[index] > end) continue;
            const y = this.y(published[index]);
            paint.moveTo(this.right, y - half);
            for (const [x, dy] of [[half, 0], [0, half], [-half, 0]]) paint.lineTo(this.right + x, y + dy);
        }
        paint.fill();
    }

    /** What a message is, along its arrow, where there is room. */
    words(paint) {
        const { colours, size } = this.surface;
        const room = size * 0.95;
        const taken = [];
        const across = this.right - this.left;
        for (let index = this.visible.length - 1; index >= 0; index -= 1) {
            const message = this.visible[index];
            const line = this.line(message);
            const middle = (line.y0 + line.y1) / 2;
            if (!line.whole || taken.some((y) => Math.abs(y - middle) < room)) continue;
            const slope = Math.atan2(line.y1 - line.y0, line.x1 - line.x0);
            const along = slope > Math.PI / 2 ? slope - Math.PI : slope;
            if (Math.abs(along) > 1.2) continue;
            taken.push(middle);
            const text = shortened(paint, message.preflight ? `(${titled(message)})` : titled(message), across / Math.cos(along) - 24);
            paint.save();
            paint.translate((this.left + this.right) / 2, middle);
            paint.rotate(along);
            const wide = paint.measureText(text).width;
            paint.globalAlpha = 0.85;
            paint.fillStyle = colours.paper;
            paint.fillRect(-wide / 2 - 3, -size * 0.45, wide + 6, size * 0.9);
            paint.globalAlpha = 1;
            paint.fillStyle = this.traffic.isUseless(message) || message.preflight ? colours.quiet : colours.ink;
            paint.fillText(text, -wide / 2, 0);
            paint.restore();
        }
    }

    // ---- Pointing and choosing ----

    nearest(event) {
        const box = this.surface.canvas.getBoundingClientRect();
        const [x, y] = [event.clientX - box.left, event.clientY - box.top];
        let best = null;
        let least = 12;
        for (const message of this.visible ?? []) {
            const { x0, y0, x1, y1 } = this.line(message);
            const square = (x1 - x0) ** 2 + (y1 - y0) ** 2;
            const share = square === 0 ? 0 : Math.max(0, Math.min(1, ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / square));
            const distance = Math.hypot(x - x0 - share * (x1 - x0), y - y0 - share * (y1 - y0));
            if (distance < least) [best, least] = [message, distance];
        }
        return best;
    }

    hover(event) {
        this.point(this.nearest(event));
    }

    /** @param {import("./traffic.js").Message | null} message */
    point(message) {
        if (message === this.hovered) return;
        this.hovered = message;
        this.say(message ?? (this.timeline.paused ? this.chosenOne : null));
        this.timeline.dirty = true;
    }

    say(message) {
        this.tip.hidden = !message;
        if (message) this.tip.textContent = described(message, this.traffic);
    }

    choose(message) {
        this.chosenOne = message;
        this.say(message);
        if (message) {
            this.timeline.show(message.sent_us);
            this.chosen(message);
        }
        this.timeline.dirty = true;
    }

    /** @param {KeyboardEvent} event */
    key(event) {
        const page = this.timeline.span / 2;
        if (event.key === "ArrowUp" || event.key === "ArrowDown") this.step(event.key === "ArrowUp" ? -1 : 1);
        else if (event.key === "PageUp") this.timeline.scroll(-page);
        else if (event.key === "PageDown") this.timeline.scroll(page);
        else if (event.key === "Escape") {
            this.choose(null);
            this.timeline.pause(false);
        } else return;
        event.preventDefault();
        event.stopPropagation();
    }

    /** To the message before or after the chosen one; at first to the newest in view. */
    step(by) {
        const messages = this.traffic.messages;
        let index = messages.indexOf(this.chosenOne);
        if (index < 0) {
            index = messages.length - 1;
            while (index > 0 && messages[index].sent_us > this.timeline.end) index -= 1;
        } else index = Math.max(0, Math.min(messages.length - 1, index + by));
        if (messages[index]) this.choose(messages[index]);
    }

    /** Shift and wheel go through time: the wheel alone is the page's. */
    wheel(event) {
        if (!event.shiftKey) return;
        event.preventDefault();
        this.timeline.scroll(((event.deltaY || event.deltaX) / 400) * this.timeline.span);
    }
}

/** What a message is, without the secret that a poll carries: that is long, and the same each time. @param {import("./traffic.js").Message} message */
export function titled({ title }) {
    return title.replace(/([?&])token=[^&\s]*&?/, "$1").replace(/[?&]$/, "");
}

/** A message in words. @param {import("./traffic.js").Message} message @param {import("./traffic.js").Traffic} traffic */
export function described(message, traffic) {
    const words = [
        `${message.way === "up" ? "→ server" : "← server"}: ${titled(message)}`,
        `${ms((message.arrived_us - message.sent_us) / 1000)} on its way`,
        `${bytes(message.payload)} payload + ${bytes(message.overhead)} overhead`,
    ];
    const exchange = message.exchange === undefined ? undefined : traffic.exchangeOf(message);
    if (message.kind === "request" && exchange?.response) words.push(`held ${ms((exchange.response.sent_us - message.arrived_us) / 1000)}`);
    if (message.preflight) words.push("a preflight: the browser asks whether it may ask");
    else if (traffic.isUseless(message)) words.push("brought nothing");
    const event = traffic.events.findLast((one) => message.way === "down" && Math.abs(one.received - message.arrived_us) < 20e3 && one.published <= message.sent_us + 1e3);
    if (event) words.push(`age ${ms((event.received - event.published) / 1000)}`);
    return words.join(" · ");
}

function cross(paint, x, y, half) {
    paint.lineWidth = 2;
    paint.beginPath();
    paint.moveTo(x - half, y - half);
    paint.lineTo(x + half, y + half);
    paint.moveTo(x + half, y - half);
    paint.lineTo(x - half, y + half);
    paint.stroke();
}

function shortened(paint, text, room) {
    if (paint.measureText(text).width <= room) return text;
    let short = text;
    while (short.length > 3 && paint.measureText(`${short}…`).width > room) short = short.slice(0, -1);
    return `${short}…`;
}
