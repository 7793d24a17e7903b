// What the tests ask a report while they use it.
window.lab = {
    copied: null,

    isSeen: (element) => Boolean(element?.checkVisibility({ opacityProperty: true, visibilityProperty: true })) && element.getBoundingClientRect().height > 0,

    /** What the tip says; nothing if it doesn't show. */
    tip: () => (lab.isSeen(document.querySelector("#tip")) ? document.querySelector("#tip").innerText.trim() : ""),

    /** Whether all of the tip can be read. */
    tipFits: () => {
        const box = document.querySelector("#tip").getBoundingClientRect();
        return box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
    },

    /** An arm's name, and a number with a unit. */
    isTold: (text) => {
        const arms = [...document.querySelectorAll("#arms button[data-arm]")].map((button) => button.dataset.arm);
        return arms.some((arm) => text.includes(arm)) && /\d\s?(%|[a-zµμ/])/i.test(text);
    },

    /** Where to point at a mark: a path's beginning lies on it, its middle need not. */
    spot: (mark) => {
        if (mark.tagName === "path") return mark.getPointAtLength(0).matrixTransform(mark.getScreenCTM());
        const box = mark.getBoundingClientRect();
        return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    },

    shown: () => [...document.querySelectorAll("figure.chart")].filter((chart) => chart.checkVisibility()),

    /** Charts that show, with places where there may be points: marks of an arm first, then a grid. */
    charts: () =>
        lab.shown().map((chart) => {
            const size = [...chart.querySelectorAll("svg")].find((svg) => svg.checkVisibility());
            const area = size.getBoundingClientRect();
            const marks = [...size.querySelectorAll("[data-arm] :is(path, rect, circle), :is(path, rect, circle)[data-arm]")];
            const places = marks.slice(-6).map((mark) => {
                const { x, y } = lab.spot(mark);
                return [(x - area.left) / area.width, (y - area.top) / area.height];
            });
            for (const y of [0.2, 0.35, 0.5, 0.65, 0.8]) for (const x of [0.15, 0.3, 0.45, 0.6, 0.75, 0.9]) places.push([x, y]);
            const whole = `figure[id="${chart.id}"]`;
            const drawing = `${whole} svg.${size.classList.contains("wide") ? "wide" : "narrow"}`;
            const focus = chart.matches("[tabindex='0']") ? whole : size.matches("[tabindex='0']") ? drawing : `${whole} [tabindex='0']`;
            return { id: chart.id, drawing, focus, places };
        }),

    /** Gives a chart the focus, with nothing told yet. */
    focus: (selector) => {
        const element = document.querySelector(selector);
        const live = document.querySelector("#live");
        if (live) live.textContent = "";
        element?.focus();
        return element !== null && document.activeElement === element;
    },

    /** "on", "off", or what contradicts. */
    arm: (arm) => {
        const pressed = document.querySelector(`#arms button[data-arm='${arm}']`).getAttribute("aria-pressed");
        const off = (document.documentElement.dataset.off ?? "").split(" ").includes(arm);
        const parts = [...document.querySelectorAll(`figure.chart svg [data-arm='${arm}']`)];
        const hidden = parts.filter((part) => getComputedStyle(part).display === "none").length;
        if (parts.length && pressed === "true" && !off && hidden === 0) return "on";
        if (parts.length && pressed === "false" && off && hidden === parts.length) return "off";
        return `aria-pressed=${pressed}, in data-off: ${off}, ${hidden} of ${parts.length} parts hidden`;
    },

    choose: (point) => {
        const select = document.querySelector("select#point");
        select.value = point;
        for (const event of ["input", "change"]) select.dispatchEvent(new Event(event, { bubbles: true }));
    },

    watchClipboard: () => {
        const writeText = async (text) => void (lab.copied = text);
        Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText } });
    },
};
