//! What is on a report: the question, the answer, the comparison, the charts with their data, the command and the manifest.

use browser::{Browser, BrowserError, Page, Theme, Viewport};
use serde_json::Value;

use crate::audit;
use crate::faults::Faults;
use crate::pages::{Kind, Sheet, json_file};

/// Charts of every echo run on a schedule.
const PLAIN_CHARTS: [&str; 6] = [
    "percentiles",
    "distribution",
    "time",
    "correction",
    "bytes",
    "costs",
];
/// … and those of a sweep, too.
const SWEEP_CHARTS: [&str; 2] = ["sweep", "crossover"];

pub(crate) async fn report(
    browser: &Browser,
    sheet: &Sheet,
    faults: &mut Faults,
) -> Result<(), BrowserError> {
    for screen in [
        Viewport::phone(360, Theme::Dark),
        Viewport::wide(1280, Theme::Light),
    ] {
        let page = audit::open(browser, sheet, screen).await?;
        let missing: Vec<String> = page.eval(include_str!("contract.js")).await?;
        for fault in missing {
            faults.add(format_args!("{} px: {fault}", screen.width));
        }
        if !screen.phone {
            charts(&page, sheet, faults).await?;
            manifest(&page, sheet, faults).await?;
        }
    }
    Ok(())
}

async fn charts(page: &Page, sheet: &Sheet, faults: &mut Faults) -> Result<(), BrowserError> {
    let manifest = json_file(&sheet.beside("manifest.json"));
    let script =
        "[...document.querySelectorAll('figure.chart')].map((chart) => chart.dataset.chart)";
    let kinds: Vec<String> = page.eval(script).await?;
    let is_echo = manifest["run"]["kind"] == "echo";
    let mut wanted = Vec::new();
    if is_echo && matches!(sheet.kind, Kind::Plain | Kind::Sweep) {
        wanted.extend(PLAIN_CHARTS);
    }
    if sheet.kind == Kind::Sweep {
        wanted.extend(SWEEP_CHARTS);
    }
    for kind in wanted {
        let there = kinds.iter().any(|one| one == kind);
        faults.unless(there, format_args!("no chart of kind {kind}: {kinds:?}"));
    }
    faults.unless(!kinds.is_empty(), "no chart at all");
    Ok(())
}

/// The whole manifest is there: every name and every text of it.
async fn manifest(page: &Page, sheet: &Sheet, faults: &mut Faults) -> Result<(), BrowserError> {
    let shown: String = page
        .eval("document.querySelector('#manifest')?.textContent ?? ''")
        .await?;
    let mut words = Vec::new();
    words_of(&json_file(&sheet.beside("manifest.json")), &mut words);
    let missing: Vec<&String> = words.iter().filter(|word| !shown.contains(*word)).collect();
    faults.unless(
        missing.is_empty(),
        format_args!("#manifest is without {missing:?}"),
    );
    Ok(())
}

fn words_of(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                words.push(name.clone());
                words_of(value, words);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| words_of(value, words)),
        // Quotes and backslashes look different in JSON.
        Value::String(text) if !text.contains(['"', '\\', '\n']) => words.push(text.clone()),
        _ => {}
    }
}
