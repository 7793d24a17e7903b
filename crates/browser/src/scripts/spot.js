// Scrolls a spot of an element into the middle of the view and tells where it then is.
(element, shareX, shareY) => {
    if (!element) return null;
    const place = () => {
        const box = element.getBoundingClientRect();
        return { box, x: box.left + box.width * shareX, y: box.top + box.height * shareY };
    };
    element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    // An element may be taller than the view.
    window.scrollBy({ top: place().y - innerHeight / 2, behavior: "instant" });
    const { box, x, y } = place();
    const top = document.elementFromPoint(x, y);
    return {
        x,
        y,
        hasArea: box.width > 0 || box.height > 0,
        inView: x >= 0 && y >= 0 && x < innerWidth && y < innerHeight,
        coveredBy: element.contains(top) ? null : (top?.outerHTML ?? "nothing").slice(0, 80),
    };
}
