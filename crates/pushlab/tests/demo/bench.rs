//! "Side by side" in Chromium, against the real servers: what is pressed arrives everywhere, what is counted and drawn is what was on the wire,
//! cables are cut and plugged in and nothing is lost, and whoever has only a keyboard can do it all.

use browser::{Browser, BrowserError, Page, Theme, Viewport};

use crate::looks;
use crate::rig::{Demo, PATIENCE};

pub(crate) const DESK: Viewport = Viewport::wide(1280, Theme::Light);

/// What is shown at first: each transport once, without variants.
const SHOWN: [&str; 5] = [
    "request-response",
    "long-poll",
    "sse",
    "websocket",
    "socket-io",
];

#[tokio::test]
async fn a_pressed_key_arrives_everywhere() {
    let stage = Stage::open().await;
    stage.all_joined().await;

    stage.page.press("k").await.unwrap();
    stage
        .until(&every(
            "panel.querySelector('.keys').textContent.endsWith('k')",
        ))
        .await;

    // Who asks again and again asks in vain; the others ask once, or not at all.
    let before = stage.useless().await;
    stage
        .until(&format!(
            "{}.useless >= {} + 3",
            counters("request-response"),
            before[0]
        ))
        .await;
    assert_eq!(before[1..], stage.useless().await[1..], "{SHOWN:?}");

    // The bytes that are shown are those that are counted.
    for transport in SHOWN {
        stage.until(&format!(
            "(wire => {{
                const parts = [...wire.querySelectorAll('[data-bytes]')].map((part) => Number(part.dataset.bytes));
                const all = Number(wire.dataset.payload) + Number(wire.dataset.overhead);
                return all > 0 && parts.reduce((sum, part) => sum + part, 0) === all;
            }})({}.querySelector('.bytes'))",
            panel(transport)
        ))
        .await;
    }

    let script = "document.querySelector('[data-code=websocket]').click()";
    stage.page.run(script).await.unwrap();
    stage
        .until("document.querySelector('dialog[open] code').textContent.includes('connect')")
        .await;
    stage.page.press("Escape").await.unwrap();
    stage.until("!document.querySelector('dialog[open]')").await;
    stage.keeps_to_itself(&[]).await;
}

#[tokio::test]
async fn the_sliders_are_the_network() {
    let stage = Stage::open().await;
    stage.all_joined().await;
    for rtt in [100, 300] {
        stage.set("rtt", rtt).await;
        let words = format!(
            "document.querySelector('#link-words').textContent.startsWith('{}')",
            rtt / 2
        );
        stage.until(&words).await;
        stage.press_until_again("websocket", 5).await;
        let uncertain: f64 = stage
            .eval("Number(document.querySelector('#board').dataset.uncertainty)")
            .await;
        let least: f64 = stage
            .eval(&format!("Number({}.dataset.least)", panel("websocket")))
            .await;
        let one_way = f64::from(rtt) / 2.0;
        // Never sooner than light, so to speak. Later than that is what the machine is busy with; the quickest of five hardly is.
        assert!(
            least >= one_way - uncertain - 0.5,
            "{least} ms, one way {one_way} ms, clocks {uncertain} ms apart"
        );
        assert!(
            least < one_way + uncertain + 25.0,
            "{least} ms, one way {one_way} ms, clocks {uncertain} ms apart"
        );
    }
    // What a client in the page publishes goes up before it comes down.
    let up = "document.querySelector('#publisher').value = 'websocket'";
    stage.page.run(up).await.unwrap();
    stage.press_until_again("websocket", 3).await;
    let least: f64 = stage
        .eval(&format!("Number({}.dataset.least)", panel("websocket")))
        .await;
    assert!(least > 295.0, "there and back, {least} ms");
    stage.keeps_to_itself(&[]).await;
}

#[tokio::test]
async fn a_cut_is_seen_and_nothing_is_lost() {
    let stage = Stage::open().await;
    stage.all_joined().await;
    stage.set("rate", 10).await;
    stage
        .until(&every("Number(panel.dataset.received) > 20"))
        .await;

    stage.page.click("#cable").await.unwrap();
    stage
        .until("document.querySelector('#link').dataset.plugged === 'false'")
        .await;
    for transport in SHOWN {
        stage
            .until(&format!("{}.dataset.state !== 'open'", panel(transport)))
            .await;
        stage
            .until(&format!("Number({}.dataset.pending) > 3", panel(transport)))
            .await;
    }
    stage.page.click("#cable").await.unwrap();
    stage.until(&every("panel.dataset.state === 'open'")).await;
    stage.set("rate", 0).await;
    stage.until(&every("panel.dataset.pending === '0'")).await;
    let harm: Vec<String> = stage
        .eval(&format!(
            "{PANELS}.filter((panel) => panel.dataset.missed !== '0' || panel.dataset.duplicates !== '0').map((panel) => panel.dataset.panel)"
        ))
        .await;
    assert!(harm.is_empty(), "lost or twice: {harm:?}");
    let received: Vec<u32> = stage
        .eval(&format!(
            "{PANELS}.map((panel) => Number(panel.dataset.received))"
        ))
        .await;
    assert!(received.iter().all(|count| *count > 20), "{received:?}");
    // A browser tells in its console what it can't reach.
    stage
        .keeps_to_itself(&["net::ERR_", "WebSocket connection to"])
        .await;
}

#[tokio::test]
async fn a_keyboard_is_enough() {
    let stage = Stage::open().await;
    stage.all_joined().await;
    let page = &stage.page;

    stage.tab_to("publish").await;
    let before: u32 = stage.received("websocket").await;
    page.press("Enter").await.unwrap();
    stage
        .until(&format!(
            "Number({}.dataset.received) > {before}",
            panel("websocket")
        ))
        .await;
    stage.tab_to("cable").await;
    page.press("Enter").await.unwrap();
    stage
        .until("document.querySelector('#cable').getAttribute('aria-pressed') === 'true'")
        .await;
    page.press("Enter").await.unwrap();
    stage.until(&every("panel.dataset.state === 'open'")).await;

    // A letter in a field is the field's.
    page.run(
        "document.querySelector('#controls').open = true; document.querySelector('#seed').focus()",
    )
    .await
    .unwrap();
    let struck = "document.querySelector('#struck').textContent";
    let before: String = stage.eval(struck).await;
    page.press("7").await.unwrap();
    assert_eq!(before, stage.eval::<String>(struck).await);

    page.run(&format!(
        "{}.querySelector('.diagram').focus()",
        panel("long-poll")
    ))
    .await
    .unwrap();
    let tip = format!("{}.querySelector('.tip')", panel("long-poll"));
    page.press("ArrowUp").await.unwrap();
    stage
        .until(&format!(
            "!{tip}.hidden && {tip}.textContent.includes('on its way')"
        ))
        .await;
    let first: String = stage.eval(&format!("{tip}.textContent")).await;
    page.press("ArrowUp").await.unwrap();
    stage
        .until(&format!("{tip}.textContent !== {first:?}"))
        .await;
    let paused = "document.querySelector('.tools button').getAttribute('aria-pressed')";
    assert_eq!(stage.eval::<String>(paused).await, "true");
    page.press("Escape").await.unwrap();
    assert_eq!(stage.eval::<String>(paused).await, "false");

    page.run("document.querySelector('.switches [data-transport=sse]').focus()")
        .await
        .unwrap();
    page.press("Enter").await.unwrap();
    stage
        .until(&format!("!{}.checkVisibility()", panel("sse")))
        .await;
}

#[tokio::test]
async fn what_was_recorded_can_be_played() {
    let stage = Stage::open().await;
    stage.all_joined().await;
    stage
        .page
        .run("URL.createObjectURL = (blob) => { window.saved = blob.text(); return '#saved'; }; document.querySelector('#record').click()")
        .await
        .unwrap();
    stage.press_until_again("request-response", 2).await;
    stage
        .page
        .run("document.querySelector('#record').click()")
        .await
        .unwrap();
    let kept: (usize, usize, usize) = stage
        .eval(
            "(async () => {
                const { parse } = await import('/assets/lib/recorder.js');
                const { head, entries } = parse(await window.saved);
                const with_parts = entries.filter((entry) => entry.told?.parts?.every((part) => typeof part.role === 'string'));
                return [head.transports.length, entries.filter((entry) => entry.heard).length, with_parts.length];
            })()",
        )
        .await;
    assert!(
        kept.0 >= SHOWN.len() && kept.1 >= 2 && kept.2 > 2,
        "{kept:?}"
    );
}

#[tokio::test]
async fn it_can_be_read_on_any_screen() {
    let stage = Stage::open().await;
    stage.all_joined().await;
    // A cable that is out is red, and what was said of presets and cuts is there to be read.
    let script = "document.querySelector('#controls').open = true; document.querySelector('[data-preset=mobile]').click()";
    stage.page.run(script).await.unwrap();
    looks::of(&stage.page, "demo-bench").await;
    stage.keeps_to_itself(&[]).await;
}

/// The page, opened on a demo of its own.
struct Stage {
    demo: Demo,
    _browser: Browser,
    page: Page,
}

const PANELS: &str = "[...document.querySelectorAll('.panel')].filter((panel) => !panel.hidden)";

impl Stage {
    async fn open() -> Self {
        let demo = Demo::start();
        let browser = Browser::start().await.unwrap();
        let page = browser
            .open(&format!("{}/bench", demo.origin()), DESK)
            .await
            .unwrap();
        let stage = Self {
            demo,
            _browser: browser,
            page,
        };
        stage
            .until("document.querySelector('#board').dataset.bench === 'open'")
            .await;
        stage
    }

    /// Waits until every client is in the room: a join has no answer, so keys are pressed until each has had one.
    async fn all_joined(&self) {
        let all = every("Number(panel.dataset.received) > 0");
        let mut pressed = 0;
        while !self.eval::<bool>(&all).await {
            assert!(pressed < 60, "some panel never hears anything");
            self.page.press("j").await.unwrap();
            pressed += 1;
            let _ = wait(&self.page, &all, 1).await;
        }
        // And whatever is owed has come.
        self.until(&every("panel.dataset.pending === '0'")).await;
    }

    /// Forgets all ages and presses keys, until so many more have come.
    async fn press_until_again(&self, transport: &str, count: u32) {
        let clear = "[...document.querySelectorAll('.tools button')].find((button) => button.textContent.startsWith('Clear')).click()";
        self.page.run(clear).await.unwrap();
        let before = self.received(transport).await;
        for more in 1..=count {
            self.page.press("x").await.unwrap();
            self.until(&format!(
                "Number({}.dataset.received) >= {before} + {more}",
                panel(transport)
            ))
            .await;
        }
    }

    async fn received(&self, transport: &str) -> u32 {
        self.eval(&format!("Number({}.dataset.received)", panel(transport)))
            .await
    }

    /// Moves a slider to the step of that value.
    async fn set(&self, knob: &str, value: u32) {
        let script = format!(
            "(input => {{
                input.value = input.dataset.steps.split(',').indexOf('{value}');
                input.dispatchEvent(new Event('input', {{ bubbles: true }}));
            }})(document.getElementById('{knob}'))"
        );
        self.page.run(&script).await.unwrap();
    }

    async fn useless(&self) -> Vec<u64> {
        let mut all = Vec::new();
        for transport in SHOWN {
            let useless = format!("Number({}.useless)", counters(transport));
            all.push(self.eval(&useless).await);
        }
        all
    }

    /// Presses the tabulator until that element has the focus.
    async fn tab_to(&self, id: &str) {
        for _ in 0..40 {
            self.page.press("Tab").await.unwrap();
            if self.eval::<String>("document.activeElement.id").await == id {
                return;
            }
        }
        panic!("#{id} can't be reached by keyboard");
    }

    async fn eval<T: serde::de::DeserializeOwned>(&self, script: &str) -> T {
        self.page.eval(script).await.unwrap()
    }

    async fn until(&self, condition: &str) {
        until(&self.page, condition).await;
    }

    /// No request to anywhere else, and no complaint but those that have one of these words.
    async fn keeps_to_itself(&self, expected: &[&str]) {
        looks::keeps_to_itself(&self.page, self.demo.origin(), expected).await;
    }
}

/// Waits as long as anything can take on a busy machine.
pub(crate) async fn until(page: &Page, condition: &str) {
    let rounds = u32::try_from(PATIENCE.as_secs() / 5).unwrap_or(1);
    if let Err(error) = wait(page, condition, rounds).await {
        let panels = page
            .eval::<serde_json::Value>(&format!(
                "{PANELS}.map((panel) => ({{ ...panel.dataset }}))"
            ))
            .await;
        panic!("{error}; {panels:?}");
    }
}

async fn wait(page: &Page, condition: &str, rounds: u32) -> Result<(), BrowserError> {
    for _ in 1..rounds {
        if page.wait_for(condition).await.is_ok() {
            return Ok(());
        }
    }
    page.wait_for(condition).await
}

fn panel(transport: &str) -> String {
    format!("document.querySelector('[data-panel={transport}]')")
}

fn counters(transport: &str) -> String {
    format!("{}.querySelector('.counters').dataset", panel(transport))
}

fn every(condition: &str) -> String {
    format!("{PANELS}.every((panel) => {condition})")
}
