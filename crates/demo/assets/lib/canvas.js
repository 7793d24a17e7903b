// A canvas that is as sharp as the screen, has the page's colours, and is drawn at most once a frame.

const COLOURS = ["paper", "ink", "quiet", "rule", "bad", "own"];
const isDark = matchMedia("(prefers-color-scheme: dark)");
const onPaper = matchMedia("print");

export class Surface {
    /**
     * @param {HTMLCanvasElement} canvas its size is set by the style sheet
     * @param {() => void} [changed] called when size or colours are new
     */
    constructor(canvas, changed = () => {}) {
        this.canvas = canvas;
        this.context = canvas.getContext("2d");
        this.changed = changed;
        this.width = 0;
        this.height = 0;
        /** @type {Record<string, string>} */
        this.colours = {};
        this.recolour = () => {
            const style = getComputedStyle(canvas);
            for (const name of COLOURS) this.colours[name] = style.getPropertyValue(`--${name}`);
            this.font = style.fontFamily;
            this.size = parseFloat(style.fontSize);
            this.changed();
        };
        isDark.addEventListener("change", this.recolour);
        onPaper.addEventListener("change", this.recolour);
        this.watcher = new ResizeObserver(() => this.resize());
        this.watcher.observe(canvas);
        this.recolour();
        this.resize();
    }

    resize() {
        const { width, height } = this.canvas.getBoundingClientRect();
        const ratio = Math.min(devicePixelRatio || 1, 2);
        if (width === this.width && height === this.height && ratio === this.ratio) return;
        Object.assign(this, { width, height, ratio });
        this.canvas.width = Math.round(width * ratio);
        this.canvas.height = Math.round(height * ratio);
        this.recolour();
    }

    /** An empty sheet in CSS pixels; null while nobody can see it. @returns {CanvasRenderingContext2D | null} */
    clear() {
        if (this.width < 2 || this.height < 2) return null;
        this.context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
        this.context.clearRect(0, 0, this.width, this.height);
        return this.context;
    }

    close() {
        this.watcher.disconnect();
        isDark.removeEventListener("change", this.recolour);
        onPaper.removeEventListener("change", this.recolour);
    }
}
