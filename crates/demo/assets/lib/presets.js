// Situations to try. Networks are the lab's own profiles (crates/scenario/src/link.rs), where their sources stand; a link of this page has one bandwidth for both ways.

export const PRESETS = {
    chat: {
        words: "A message in ten seconds, 64 bytes, over fibre: 8 ms there and back and 20 Mbit/s up, here both ways, after the FCC's reports on broadband. Rare events are where polling wastes most.",
        rate: 0.1, law: "poisson", payload: 64, rtt: 8, jitter: 0, bandwidth: 20000, interval: 1000,
    },
    ticker: {
        words: "Four short prices a second, polled once a second: the ticker of “HTML5 WebSocket: A Quantum Leap” (Lubbers and Greco) at the rate of the sensor of Pimentel and Nickerson, 100 ms there and back.",
        rate: 4, law: "periodic", payload: 16, rtt: 100, jitter: 0, bandwidth: null, interval: 1000,
    },
    mobile: {
        words: "LTE in town: 170 ms there and back and 9 Mbit/s are WebPageTest's “4G”; the jitter of 5 ms and the rate are the lab's own.",
        rate: 1, law: "poisson", payload: 256, rtt: 170, jitter: 5, bandwidth: 9000, interval: 2000,
    },
    satellite: {
        words: "A geostationary satellite: four times 35,786 km at the speed of light are 477 ms, 600 with access and ground; 3 Mbit/s up as in the FCC's benchmark of 2015, here both ways.",
        rate: 2, law: "poisson", payload: 256, rtt: 600, jitter: 10, bandwidth: 3000, interval: 2000,
    },
};
