// Finds visible texts whose contrast to what lies behind them is below WCAG's 4.5 (3 for large text).
(() => {
    // Any CSS colour as [r, g, b, alpha], by painting a pixel with it.
    const pixel = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const known = new Map();
    const colour = (css) => {
        if (!known.has(css)) {
            pixel.clearRect(0, 0, 1, 1);
            pixel.fillStyle = css;
            pixel.fillRect(0, 0, 1, 1);
            const [r, g, b, a] = pixel.getImageData(0, 0, 1, 1).data;
            known.set(css, [r, g, b, a / 255]);
        }
        return known.get(css);
    };
    const over = ([r, g, b, a], under) => [r, g, b].map((value, i) => value * a + under[i] * (1 - a));
    const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const contrast = (one, other) => {
        const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
        return (light + 0.05) / (dark + 0.05);
    };
    const faded = ([r, g, b, a], share) => [r, g, b, a * share];
    // What is the same for all texts of an element, and of those in it, is found once.
    const once = (find) => {
        const found = new Map();
        return (element) => {
            if (!found.has(element)) found.set(element, find(element));
            return found.get(element);
        };
    };
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches && getComputedStyle(document.documentElement).colorScheme.includes("dark");
    const canvas = colour(isDark ? "#121212" : "#fff");
    const ground = once((element) => (element ? over(colour(getComputedStyle(element).backgroundColor), ground(element.parentElement)) : canvas));
    const opacity = once((element) => (element ? getComputedStyle(element).opacity * opacity(element.parentElement) : 1));

    const rects = once((svg) => [...svg.querySelectorAll("rect")].map((shape) => ({ shape, area: shape.getBoundingClientRect() })));

    // In a drawing, what was painted earlier over the middle of the text lies behind it.
    const shapesBehind = (text, svg) => {
        const box = text.getBoundingClientRect();
        const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
        return rects(svg).filter(({ shape, area }) => {
            const earlier = shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING;
            const holds = area.left <= x && x <= area.right && area.top <= y && y <= area.bottom;
            return earlier && holds && shape.checkVisibility({ opacityProperty: true, visibilityProperty: true });
        });
    };
    const behind = (element) => {
        let under = ground(element);
        const svg = element.closest("svg");
        for (const { shape } of svg ? shapesBehind(element, svg) : []) {
            const style = getComputedStyle(shape);
            if (style.fill !== "none") under = over(faded(colour(style.fill), style.fillOpacity * style.opacity), under);
        }
        return under;
    };
    const isSeen = (element) => {
        if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
        const box = element.getBoundingClientRect();
        // Text for screen readers only is clipped to a pixel.
        return box.width > 1 && box.height > 1;
    };

    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const done = new Set();
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        const text = texts.currentNode.data.trim();
        if (!text || done.has(element) || ["SCRIPT", "STYLE", "title", "desc"].includes(element.tagName)) continue;
        done.add(element);
        if (!isSeen(element) || element.closest(":disabled")) continue;
        const style = getComputedStyle(element);
        const drawn = element.closest("svg") !== null;
        const paint = drawn ? style.fill : style.color;
        if (paint === "none" || style.fontSize === "0px") continue;
        const under = behind(element);
        const front = over(faded(colour(paint), opacity(element) * (drawn ? style.fillOpacity : 1)), under);
        const size = parseFloat(style.fontSize);
        const needed = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
        const ratio = contrast(front, under);
        if (ratio < needed) {
            const name = element.tagName.toLowerCase() + (element.getAttribute("class") ? `.${element.getAttribute("class")}` : "");
            found.push({ text: `${name}: ${text.slice(0, 60)}`, ratio: Math.round(ratio * 100) / 100, needed });
        }
    }
    return found;
})();
