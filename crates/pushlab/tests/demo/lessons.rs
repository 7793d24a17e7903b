//! Every lesson as a student does it: opened, guessed, run, with the keyboard alone; and each figure lies where the models say.
//!
//! A figure that missed may be measured again, with nothing beside it, but only if the page itself found that it was held up: it measures its own
//! lag, and says so to its reader too.

use std::fmt;
use std::time::{Duration, Instant};

use browser::{Browser, BrowserError, Page, Theme, Viewport};
use serde::Deserialize;

use crate::rig::Demo;

/// Lessons that run beside each other, in this order: those with many events or connections are in one line, so that no two of them meet.
const LINES: [&[&str]; 2] = [
    &["15", "11", "8", "1", "12", "4", "6"],
    &["7", "2", "14", "5", "3", "9"],
];

const DESK: Viewport = Viewport::wide(1280, Theme::Light);

/// What a run may take on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(90);

#[derive(Debug, Deserialize)]
struct Listed {
    id: String,
    title: String,
    url: String,
}

/// A row of a lesson's table.
#[derive(Debug, Deserialize)]
struct Row {
    figure: String,
    measured: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            figure,
            measured,
            low,
            high,
        } = self;
        write!(
            f,
            "{figure} is {measured:?}, and {low:?} to {high:?} was foretold"
        )
    }
}

impl Row {
    /// Whether it is where the model says; so is what no model says anything of, if it was measured.
    fn holds(&self) -> bool {
        match (self.measured, self.low, self.high) {
            (Some(measured), Some(low), Some(high)) => (low..=high).contains(&measured),
            (Some(_), None, None) => true,
            _ => false,
        }
    }
}

#[tokio::test]
async fn each_lesson_shows_what_the_models_say() {
    let demo = Demo::start();
    let browser = Browser::start().await.unwrap();
    let page = browser.open(&demo.url, DESK).await.unwrap();
    let listed: Vec<Listed> = page
        .eval("fetch('/lessons.json').then((answer) => answer.json())")
        .await
        .unwrap();
    drop(page);
    let mut ids: Vec<&str> = LINES.concat();
    ids.sort_unstable();
    let mut known: Vec<&str> = listed.iter().map(|lesson| lesson.id.as_str()).collect();
    known.sort_unstable();
    assert_eq!(ids, known, "each lesson is run");

    let class = Class {
        browser,
        demo,
        listed,
    };
    let (mut faults, others) = tokio::join!(class.line(LINES[0]), class.line(LINES[1]));
    faults.told.extend(others.told);
    faults.again.extend(others.again);
    for id in faults.again {
        faults.told.extend(class.alone(id).await);
    }
    assert!(faults.told.is_empty(), "{}", faults.told.join("\n"));
}

#[tokio::test]
async fn what_a_reader_changes_is_listed_and_not_judged() {
    let demo = Demo::start();
    let browser = Browser::start().await.unwrap();
    let address = format!("{}/lessons/12", demo.origin());
    let page = browser.open(&address, DESK).await.unwrap();
    state(&page, "ready").await.unwrap();
    tab_to(&page, "unsure").await.unwrap();
    page.press("Enter").await.unwrap();
    tab_to(&page, "set-messages").await.unwrap();
    page.press("Home").await.unwrap();
    page.run("document.querySelector('#run').focus()")
        .await
        .unwrap();
    page.press("Enter").await.unwrap();
    state(&page, "done").await.unwrap();
    let trial = page.text("#trials li").await.unwrap();
    assert!(trial.starts_with("With Messages 10: "), "{trial}");
    assert!(
        trial.contains("saved on JSON, one window for all"),
        "{trial}"
    );
    let rows = read(&page).await.unwrap();
    assert!(
        rows.iter()
            .all(|row| row.measured.is_some() && row.low.is_none()),
        "{rows:?}"
    );
    let kept: Option<String> = page
        .eval("localStorage.getItem('pushlab.lessons')")
        .await
        .unwrap();
    assert_eq!(kept, None, "the lesson's own run isn't done yet");
    assert_eq!(page.complaints().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn the_course_kit_can_be_read_and_leads_somewhere() {
    let demo = Demo::start();
    let browser = Browser::start().await.unwrap();
    let mut faults = Vec::new();
    for document in [
        "",
        "/teacher",
        "/plan-45",
        "/plan-90",
        "/readings",
        "/questions",
    ] {
        let address = format!("{}/course{document}", demo.origin());
        let page = browser.open(&address, DESK).await.unwrap();
        let name = format!("course{}", document.replace('/', "-"));
        looks(&page, &name, &mut faults).await.unwrap();
        let dead: Vec<String> = page
            .eval(
                "Promise.all([...new Set([...document.links].map((link) => link.href.split('#')[0]))].map(async (url) =>
                    (await fetch(url)).ok ? null : url)).then((all) => all.filter(Boolean))",
            )
            .await
            .unwrap();
        faults.extend(
            dead.into_iter()
                .map(|url| format!("{name}: {url} isn't there")),
        );
        faults.extend(page.complaints().await.unwrap());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// All that a lesson is learnt with.
struct Class {
    browser: Browser,
    demo: Demo,
    listed: Vec<Listed>,
}

/// What is wrong.
#[derive(Default)]
struct Faults {
    told: Vec<String>,
    /// Lessons whose figures missed while the machine was busy.
    again: Vec<&'static str>,
}

impl Class {
    /// One lesson after the other.
    async fn line(&self, ids: &[&'static str]) -> Faults {
        let mut faults = Faults::default();
        for &id in ids {
            let lesson = self.learn(id).await;
            faults.told.extend(lesson.told);
            if lesson.busy && !lesson.missed.is_empty() {
                faults.again.push(id);
            } else {
                faults.told.extend(lesson.missed);
            }
        }
        faults
    }

    /// A lesson again, as long as it is disturbed; the figures that missed.
    async fn alone(&self, id: &str) -> Vec<String> {
        const TIMES: usize = 3;
        let mut last = Vec::new();
        for _ in 0..TIMES {
            let lesson = self.learn(id).await;
            last = [lesson.told, lesson.missed].concat();
            if last.is_empty() || !lesson.busy {
                break;
            }
        }
        last
    }

    async fn learn(&self, id: &str) -> Outcome {
        let lesson = self.listed.iter().find(|lesson| lesson.id == id).unwrap();
        let begun = Instant::now();
        let mut outcome = Outcome::default();
        if let Err(error) = learn(self, lesson, &mut outcome).await {
            outcome.told.push(error.to_string());
        }
        for fault in outcome.told.iter_mut().chain(&mut outcome.missed) {
            *fault = format!("lesson {id}: {fault}");
        }
        println!("lesson {id}: {:?}, {outcome:?}", begun.elapsed());
        outcome
    }
}

/// What a lesson showed.
#[derive(Debug, Default)]
struct Outcome {
    /// What is wrong with its page.
    told: Vec<String>,
    /// Figures that aren't where the model says.
    missed: Vec<String>,
    /// Whether the page found that it was held up.
    busy: bool,
}

/// Opened, guessed, run and looked at.
async fn learn(class: &Class, lesson: &Listed, outcome: &mut Outcome) -> Result<(), BrowserError> {
    let address = format!("{}{}", class.demo.origin(), lesson.url);
    let page = class.browser.open(&address, DESK).await?;
    state(&page, "ready").await?;
    let faults = &mut outcome.told;
    let heading = page.text("h1").await?;
    if heading != lesson.title {
        faults.push(format!(
            "its heading is {heading:?}, not {:?}",
            lesson.title
        ));
    }

    // Nothing is run, and nothing is told, before there is a guess.
    let gives_away = "[...document.querySelectorAll('#figures td')].some((cell) => /\\d/.test(cell.textContent)) || document.querySelector('#scale .range') !== null";
    if page.eval::<bool>(gives_away).await? {
        faults.push("the figures are there before the guess".into());
    }
    page.run("document.querySelector('#run').click()").await?;
    if page
        .eval::<String>("document.documentElement.dataset.lesson")
        .await?
        != "ready"
    {
        faults.push("it runs without a guess".into());
    }
    tab_to(&page, "guess").await?;
    page.press("ArrowRight").await?;
    tab_to(&page, "run").await?;
    page.press("Enter").await?;
    state(&page, "done").await?;
    let rows = read(&page).await?;
    outcome.busy = page
        .eval("document.documentElement.dataset.stalled === 'true'")
        .await?;
    if rows.is_empty() {
        faults.push("it has no figures".into());
    }
    let lag = page.text("#lag").await?;
    let missed = rows.iter().filter(|row| !row.holds());
    outcome.missed = missed.map(|row| format!("{row}; {lag}")).collect();
    if page.text("#meaning").await?.is_empty() {
        faults.push("it doesn't say what its figures mean".into());
    }
    if !page
        .eval::<bool>(
            "localStorage.getItem('pushlab.lessons').includes(location.pathname.split('/').pop())",
        )
        .await?
    {
        faults.push("it isn't remembered as done".into());
    }
    looks(&page, &format!("lesson-{}", lesson.id), faults).await?;
    shows_code(&page, faults).await?;
    keeps_to_itself(&page, &class.demo, faults).await
}

/// Waits until the page is in a state.
async fn state(page: &Page, wanted: &str) -> Result<(), BrowserError> {
    let end = Instant::now() + PATIENCE;
    loop {
        let (state, why): (Option<String>, Option<String>) = page
            .eval("(({ lesson, failure }) => [lesson ?? null, failure ?? null])(document.documentElement.dataset)")
            .await?;
        let state = state.unwrap_or_default();
        if state == wanted {
            return Ok(());
        }
        if state == "failed" || Instant::now() > end {
            let said = page.text("#status").await?;
            let why = why.unwrap_or_default();
            let complaints = page.complaints().await?;
            return Err(BrowserError::Script(format!(
                "it is {state}, not {wanted}: {said} {why} {complaints:?}"
            )));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Presses Tab until an element has the focus, as who has no mouse does.
async fn tab_to(page: &Page, id: &str) -> Result<(), BrowserError> {
    for _ in 0..80 {
        if page.eval::<String>("document.activeElement.id").await? == id {
            return Ok(());
        }
        page.press("Tab").await?;
    }
    Err(BrowserError::Script(format!("Tab never leads to #{id}")))
}

async fn read(page: &Page) -> Result<Vec<Row>, BrowserError> {
    page.eval(
        "[...document.querySelectorAll('#figures tbody tr')].map(({ dataset }) => {
            const number = (text) => text === undefined ? null : Number(text);
            return { figure: dataset.figure, measured: number(dataset.measured), low: number(dataset.low), high: number(dataset.high) };
        })",
    )
    .await
}

/// Light, dark, on a phone: it fits, can be read and named. Leaves pictures.
async fn looks(page: &Page, name: &str, faults: &mut Vec<String>) -> Result<(), BrowserError> {
    for viewport in [
        Viewport::phone(390, Theme::Dark),
        Viewport::wide(1280, Theme::Dark),
        DESK,
    ] {
        page.set_viewport(viewport).await?;
        let which = format!("{name}-{}-{}", viewport.width, viewport.theme);
        for element in page.overflow().await? {
            faults.push(format!("{which}: sticks out: {element}"));
        }
        for low in page.low_contrast().await? {
            faults.push(format!(
                "{which}: contrast {} < {}: {}",
                low.ratio, low.needed, low.text
            ));
        }
        let picture = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
            .with_file_name("screenshots")
            .join(format!("{which}.png"));
        page.screenshot(&picture).await?;
    }
    for element in page.unnamed().await? {
        faults.push(format!("no accessible name: {element}"));
    }
    for violation in page.axe().await? {
        faults.push(format!("axe: {violation}"));
    }
    Ok(())
}

/// The files that it says it runs are there, and it is them that it shows.
async fn shows_code(page: &Page, faults: &mut Vec<String>) -> Result<(), BrowserError> {
    page.run("for (const one of document.querySelectorAll('#code details')) one.open = true")
        .await?;
    page.wait_for("[...document.querySelectorAll('#code details')].every((one) => one.querySelector('code')?.textContent)").await?;
    let missing: Vec<String> = page
        .eval("[...document.querySelectorAll('#code code')].map((code) => code.textContent).filter((text) => !text.includes('\\n'))")
        .await?;
    faults.extend(missing.into_iter().map(|text| format!("no code: {text}")));
    Ok(())
}

/// It complained of nothing, and asked nobody but this machine.
async fn keeps_to_itself(
    page: &Page,
    demo: &Demo,
    faults: &mut Vec<String>,
) -> Result<(), BrowserError> {
    let host = demo.authority().split(':').next().unwrap_or_default();
    for request in page.requests().await? {
        let rest = request.url.split_once("://").map_or("", |(_, rest)| rest);
        let is_ours = rest
            .strip_prefix(host)
            .is_some_and(|rest| rest.starts_with(':'));
        if !is_ours && !request.url.starts_with("data:") {
            faults.push(format!("it asks for {}", request.url));
        }
    }
    faults.extend(page.complaints().await?);
    Ok(())
}
