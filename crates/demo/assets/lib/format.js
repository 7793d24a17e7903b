// Numbers as people read them: three figures that mean something, and a unit.

const NARROW_SPACE = "\u202f";

/** Milliseconds: 0.42 ms, 5.3 ms, 51 ms, 1.25 s, 12 s. @param {number} value @returns {string} */
export function ms(value) {
    if (!Number.isFinite(value)) return "–";
    const size = Math.abs(value);
    if (size < 0.995) return `${value.toFixed(2)}${NARROW_SPACE}ms`;
    if (size < 9.95) return `${value.toFixed(1)}${NARROW_SPACE}ms`;
    if (size < 999.5) return `${value.toFixed(0)}${NARROW_SPACE}ms`;
    if (size < 9_995) return `${(value / 1000).toFixed(2)}${NARROW_SPACE}s`;
    return `${(value / 1000).toFixed(1)}${NARROW_SPACE}s`;
}

/** Milliseconds that were set and not measured: 0 ms, 170 ms, 1 s. @param {number} value @returns {string} */
export function setting(value) {
    return value < 1000 ? `${value}${NARROW_SPACE}ms` : `${value / 1000}${NARROW_SPACE}s`;
}

/** Bytes, exact to 9,999: 33 B, 9,120 B, 12.3 KB (1 KB is 1,000 B). @param {number} value @returns {string} */
export function bytes(value) {
    if (!Number.isFinite(value)) return "–";
    if (value < 10_000) return `${count(value)}${NARROW_SPACE}B`;
    if (value < 999_500) return `${(value / 1000).toPrecision(3)}${NARROW_SPACE}KB`;
    return `${(value / 1_000_000).toPrecision(3)}${NARROW_SPACE}MB`;
}

/** A count with its thousands apart. @param {number} value @returns {string} */
export function count(value) {
    return Number.isFinite(value) ? Math.round(value).toLocaleString("en") : "–";
}

/** A share of 1, in per cent: 0 %, 0.3 %, 94 %. Never 0 or 100 for what is not. @param {number} value @returns {string} */
export function share(value) {
    if (!Number.isFinite(value)) return "–";
    const percent = value * 100;
    if (percent > 0 && percent < 0.1) return `<${NARROW_SPACE}0.1${NARROW_SPACE}%`;
    if (percent > 99 && percent < 100) return `${Math.min(99.9, percent).toFixed(1)}${NARROW_SPACE}%`;
    return `${percent < 1 && percent > 0 ? percent.toFixed(1) : percent.toFixed(0)}${NARROW_SPACE}%`;
}

/** Events a second. @param {number} value @returns {string} */
export function rate(value) {
    if (value === 0) return "none";
    return value < 1 ? `one in ${+(1 / value).toFixed(1)}${NARROW_SPACE}s` : `${+value.toFixed(1)} a second`;
}

/** Bits a second of a link, from kbit/s; null is no limit. @param {number|null} value @returns {string} */
export function bandwidth(value) {
    if (value === null || value === undefined) return "no limit";
    return value < 1000 ? `${value}${NARROW_SPACE}kbit/s` : `${+(value / 1000).toFixed(1)}${NARROW_SPACE}Mbit/s`;
}

/** One word for one, another for more. @param {number} number @param {string} one @param {string} [many] @returns {string} */
export function plural(number, one, many = `${one}s`) {
    return `${count(number)} ${number === 1 ? one : many}`;
}
