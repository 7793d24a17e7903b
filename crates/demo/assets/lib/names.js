// What the transports are called on these pages. One that isn't here is called as the lab calls it.

const NAMES = {
    "request-response": "Short polling",
    "long-poll": "Long-polling",
    sse: "Server-sent events",
    websocket: "WebSocket",
    "socket-io": "Socket.IO",
    "socket-io-polling": "Socket.IO, polling",
    "socket-io-websocket": "Socket.IO, WebSocket",
};

/** @param {string} name a transport's, of the lab @returns {string} */
export function called(name) {
    return NAMES[name] ?? name;
}

/** Whether it is a variant of another one of them: `socket-io-polling` of `socket-io`. @param {string} name @param {{name: string}[]} transports */
export function isVariant(name, transports) {
    return transports.some((other) => name.startsWith(`${other.name}-`));
}
