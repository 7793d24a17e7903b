// Elements without markup: what comes from elsewhere can only become text.

/**
 * @param {string} tag a name, with classes behind dots: `p.hint`
 * @param {Record<string, any>} [attributes] `text` is its text; a function is a listener (`click`); false and null are left out
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
    const [name, ...classes] = tag.split(".");
    const made = document.createElement(name);
    if (classes.length > 0) made.className = classes.join(" ");
    for (const [key, value] of Object.entries(attributes)) {
        if (key === "text") made.textContent = value;
        else if (typeof value === "function") made.addEventListener(key, value);
        else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children);
    return made;
}

/** Sets text only where it is new, so that a screen reader and a selection aren't disturbed. @param {Element} element @param {string} text */
export function put(element, text) {
    if (element.textContent !== text) element.textContent = text;
}
