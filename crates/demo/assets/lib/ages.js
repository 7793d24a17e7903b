// How old each message was when the page had it, bounded: the newest of them.

const MOST = 2000;

export class Ages {
    constructor() {
        this.at = new Float64Array(MOST);
        this.age = new Float64Array(MOST);
        this.clear();
    }

    clear() {
        this.count = 0;
        this.total = 0;
        this.last = NaN;
    }

    /** @param {number} at_us when it was received @param {number} age_ms */
    add(at_us, age_ms) {
        this.at[this.total % MOST] = at_us;
        this.age[this.total % MOST] = age_ms;
        this.total += 1;
        this.count = Math.min(this.total, MOST);
        this.last = age_ms;
    }

    /** From the newest to the oldest. @param {(at_us: number, age_ms: number) => boolean | void} visit false ends it */
    each(visit) {
        for (let back = 1; back <= this.count; back += 1) {
            const index = (this.total - back) % MOST;
            if (visit(this.at[index], this.age[index]) === false) return;
        }
    }

    /** Those received since then, sorted. @param {number} at_us @returns {Float64Array} */
    since(at_us) {
        const found = [];
        this.each((at, age) => at >= at_us && found.push(age) > 0);
        return Float64Array.from(found).sort();
    }

    /** The kept ages, sorted. @returns {Float64Array} */
    sorted() {
        return this.age.slice(0, this.count).sort();
    }
}

/** The value that a share of all is at or below (nearest rank). @param {Float64Array} sorted @param {number} share */
export function quantile(sorted, share) {
    if (sorted.length === 0) return NaN;
    return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
}

/** A scale that all transports of a page share, so that their charts can be compared: it grows at once and shrinks slowly. */
export class Scale {
    constructor(least = 100) {
        this.least = least;
        this.most = least;
    }

    /** @param {number[]} greatest the greatest age of each transport */
    fit(greatest) {
        const need = rounded(Math.max(this.least, ...greatest.filter(Number.isFinite)));
        if (need > this.most || need < this.most * 0.6) this.most = need;
        return this.most;
    }
}

/** The next of 1, 1.5, 2, 3, 5, 7.5 times a power of ten. */
function rounded(value) {
    const power = 10 ** Math.floor(Math.log10(value));
    return (([1, 1.5, 2, 3, 5, 7.5].find((one) => one * power >= value)) ?? 10) * power;
}
