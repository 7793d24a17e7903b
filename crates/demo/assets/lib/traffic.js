// What one transport sent and received, as it was told: bounded, in order of sending, with each answer beside its request.

const MOST = 4000;
/** A connection that was over so soon was refused. */
const REFUSED_US = 10e3;

/**
 * @typedef {object} Message a message on the wire, as the bench tells it (times in microseconds of the lab's clock)
 * @property {string} transport @property {number} connection @property {number} [exchange]
 * @property {"up"|"down"} way @property {number} sent_us @property {number} arrived_us
 * @property {string} kind @property {string} title @property {number} [status] @property {number} payload @property {number} overhead
 * @property {boolean} [useless] @property {boolean} [preflight] @property {boolean} [continues] @property {boolean} [cut]
 * @property {{fin: boolean, rsv: number, opcode: string, masked: boolean, length: number}} [frame]
 * @property {{role: string, text?: string, hex?: string}[]} [parts]
 */

/** @typedef {{request: Message | null, response: Message | null, ended: number | null}} Exchange */

export class Traffic {
    constructor() {
        /** @type {Message[]} */
        this.messages = [];
        /** @type {Map<string, Exchange>} */
        this.exchanges = new Map();
        /** @type {{at: number, connection: number, opened: boolean, how: string, by: string, brief?: boolean}[]} */
        this.connections = [];
        /** @type {{way: string, sent_us: number, at_us: number, connection: number}[]} */
        this.lost = [];
        /** @type {Set<number>} */
        this.open = new Set();
        /** @type {{published: number, received: number, label: string}[]} */
        this.events = [];
        /** When the server published what this transport owes, in order. @type {number[]} */
        this.published = [];
        /** @type {number} what came by, whether it is still kept or not */
        this.seen = 0;
    }

    /** @param {Message} message */
    add(message) {
        this.seen += 1;
        // Both ways are told as they happen, so a message is out of order by little, and rarely.
        let at = this.messages.length;
        while (at > 0 && this.messages[at - 1].sent_us > message.sent_us) at -= 1;
        this.messages.splice(at, 0, message);
        if (message.kind === "request" || message.kind === "response") {
            const exchange = this.exchangeOf(message, true);
            exchange[message.kind] = message;
        }
        if (this.messages.length > MOST * 1.25) this.forget();
    }

    /** @param {Message} message @param {boolean} [make] @returns {Exchange | undefined} */
    exchangeOf(message, make = false) {
        const key = `${message.connection}/${message.exchange}`;
        let exchange = this.exchanges.get(key);
        if (!exchange && make) {
            exchange = { request: null, response: null, ended: null };
            this.exchanges.set(key, exchange);
        }
        return exchange;
    }

    /** Whether a message brought nothing, or asked for what brought nothing. @param {Message} message */
    isUseless(message) {
        if (message.useless) return true;
        return message.kind === "request" && this.exchangeOf(message)?.response?.useless === true;
    }

    opened({ connection, at_us }) {
        this.open.add(connection);
        this.note({ at: at_us, connection, opened: true, how: "", by: "" });
    }

    closed({ connection, at_us, how, by }) {
        this.open.delete(connection);
        for (const [key, exchange] of this.exchanges) {
            if (key.startsWith(`${connection}/`) && exchange.ended === null) exchange.ended = at_us;
        }
        const opened = this.connections.findLast((change) => change.connection === connection && change.opened);
        if (opened && at_us - opened.at < REFUSED_US) opened.brief = true;
        this.note({ at: at_us, connection, opened: false, how, by });
    }

    note(change) {
        this.connections.push(change);
        if (this.connections.length > 600) this.connections.splice(0, 200);
    }

    lose(loss) {
        this.lost.push(loss);
        if (this.lost.length > 300) this.lost.splice(0, 100);
    }

    publish(at_us) {
        this.published.push(at_us);
        if (this.published.length > MOST * 1.25) this.published.splice(0, this.published.length - MOST);
    }

    /** An event that the page received. @param {{published: number, received: number, label: string}} event */
    heard(event) {
        this.events.push(event);
        if (this.events.length > MOST * 1.25) this.events.splice(0, this.events.length - MOST);
    }

    /** The messages that were under way between two times: a slice, for all that is bound by time. */
    between(from, to) {
        // What was sent up to half a minute earlier may still arrive; who waits longer is drawn by its exchange.
        const first = lowerBound(this.messages, from - 30e6);
        const after = lowerBound(this.messages, to);
        return this.messages.slice(first, after).filter((message) => message.arrived_us >= from);
    }

    forget() {
        const gone = this.messages.splice(0, this.messages.length - MOST);
        for (const message of gone) {
            if (message.kind !== "response" || message.continues) continue;
            this.exchanges.delete(`${message.connection}/${message.exchange}`);
        }
        // What never got an answer: the oldest go first.
        for (const key of this.exchanges.keys()) {
            if (this.exchanges.size <= MOST) break;
            this.exchanges.delete(key);
        }
    }
}

function lowerBound(messages, us) {
    let low = 0;
    let high = messages.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (messages[middle].sent_us < us) low = middle + 1;
        else high = middle;
    }
    return low;
}
