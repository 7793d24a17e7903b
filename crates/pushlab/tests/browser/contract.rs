//! What is on a report: the question, the answer, the comparison, the charts with their data, the command and the manifest.

use browser::{BrowserError, Page};
use serde_json::Value;

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

/// What every report has.
pub(crate) async fn elements(
    page: &Page,
    width: u32,
    faults: &mut Faults,
) -> Result<(), BrowserError> {
    let missing: Vec<String> = page.eval(include_str!("contract.js")).await?;
    for fault in missing {
        faults.add(format_args!("{width} px: {fault}"));
    }
    Ok(())
}

/// What this report has, by the files that it was made of.
pub(crate) async fn content(
    page: &Page,
    sheet: &Sheet,
    faults: &mut Faults,
) -> Result<(), BrowserError> {
    charts(page, sheet, faults).await?;
    manifest(page, sheet, faults).await
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
        wanted.push("sweep");
        // Where no two arms can be compared, nobody can be lower.
        if has_a_comparison(&json_file(&sheet.beside("summary.json"))) {
            wanted.push("crossover");
        }
    }
    for kind in wanted {
        let there = kinds.iter().any(|one| one == kind);
        faults.unless(there, format_args!("no chart of kind {kind}: {kinds:?}"));
    }
    faults.unless(!kinds.is_empty(), "no chart at all");
    Ok(())
}

fn has_a_comparison(summary: &Value) -> bool {
    let arms = summary["arms"].as_array().map_or(&[][..], Vec::as_slice);
    let ranked: Vec<&Value> = arms.iter().filter(|arm| arm["ranked"] == true).collect();
    let points = ranked.iter().map(|arm| &arm["point"]);
    points
        .enumerate()
        .any(|(index, point)| ranked[..index].iter().any(|arm| arm["point"] == *point))
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
