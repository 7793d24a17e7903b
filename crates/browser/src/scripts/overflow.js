// The elements that make the page wider than the view.
(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    // A box that scrolls or clips by itself keeps what is in it.
    const contained = (element) => {
        for (let box = element.parentElement; box; box = box.parentElement) {
            if (box !== document.body && box !== document.documentElement && getComputedStyle(box).overflowX !== "visible") return true;
        }
        return false;
    };
    const wide = [...document.querySelectorAll("body *")].filter(
        (element) => element.getBoundingClientRect().right > width + 0.5 && !contained(element),
    );
    const whole = `the page is ${document.documentElement.scrollWidth} px wide in a view of ${width} px`;
    return [whole, ...wide.slice(0, 5).map((element) => element.outerHTML.slice(0, 120))];
})();
