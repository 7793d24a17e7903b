//! A page that uses a bench: `bench.js` and the transports' modules, in Chromium.

use browser::{Browser, Theme, Viewport};
use serde_json::Value;

use crate::rig::Demo;

/// Everything that a bench has for a page, on all transports at once.
const PAGE: &str = r#"(async () => {
    const { openBench } = await import("/assets/lib/bench.js");
    const bench = await openBench({ link: { rtt_ms: 40 } });
    const told = [];
    for (const op of ["link", "published", "message", "error", "source"]) bench.on(op, (message) => told.push(message));
    const heard = {};
    const clients = [];
    for (const { name } of bench.transports) {
        const client = await bench.client(name, { interval: 100 });
        heard[name] = [];
        client.onevent = ({ event, data }) => {
            if (event === "tick") heard[name].push({ n: data.n, age: bench.fromPage(performance.now()) - data.at_us });
        };
        clients.push(client);
        // Joined, and so in the room, when this is answered.
        await client.request("here");
    }
    bench.tell({ op: "source", rate: 20, law: "periodic", count: 10 });
    const all = () => Object.values(heard).every((events) => events.length >= 10);
    while (!all()) await new Promise((wake) => setTimeout(wake, 10));
    const published = told.filter(({ op }) => op === "published");
    const result = {
        heard,
        published: published.map(({ n }) => n),
        link: told.find(({ op }) => op === "link")?.rtt_ms,
        messages: [...new Set(told.filter(({ op }) => op === "message").map(({ transport }) => transport))],
        errors: told.filter(({ op }) => op === "error"),
        there: bench.toPage(bench.fromPage(1000)),
        clockError: bench.clockError,
    };
    await bench.close();
    result.states = clients.map(({ state }) => state);
    return result;
})()"#;

#[tokio::test]
async fn a_page_hears_a_bench_on_every_transport() {
    let demo = Demo::start();
    let transports: Vec<String> = {
        let made = demo.post("/benches", "{}").json();
        let all = made["transports"].as_array().unwrap();
        let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
        all.iter().map(name).collect()
    };
    let browser = Browser::start().await.unwrap();
    let page = browser
        .open(&demo.url, Viewport::wide(1280, Theme::Light))
        .await
        .unwrap();
    let result: Value = page.eval(PAGE).await.unwrap();
    for name in &transports {
        let events = result["heard"][name].as_array().unwrap();
        let numbers: Vec<&Value> = events.iter().map(|event| &event["n"]).collect();
        assert_eq!(
            numbers,
            result["published"]
                .as_array()
                .unwrap()
                .iter()
                .collect::<Vec<_>>(),
            "{name}"
        );
        for event in events {
            // Half a round trip is the least; clocks are apart by no more than the fastest answer took.
            let age = event["age"].as_f64().unwrap();
            let slack = result["clockError"].as_f64().unwrap() * 1e3 + 200.0;
            assert!(age >= 20_000.0 - slack, "{name}: {age}");
        }
        assert!(
            result["messages"]
                .as_array()
                .unwrap()
                .contains(&name.as_str().into()),
            "{name}: {result}"
        );
    }
    assert_eq!(
        result["link"], 40.0,
        "told at once, and handlers are in time for it"
    );
    assert_eq!(result["errors"].as_array().unwrap().len(), 0, "{result}");
    let there = result["there"].as_f64().unwrap();
    assert!((there - 1000.0).abs() < 1e-3, "there and back: {there}");
    assert!(
        result["states"]
            .as_array()
            .unwrap()
            .iter()
            .all(|state| state == "closed"),
        "{result}"
    );
    assert_eq!(page.complaints().await.unwrap(), Vec::<String>::new());
}
