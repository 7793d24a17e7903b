//! "Replay" in Chromium: recordings that come with the course are played by the same drawings, and the readings are those that are kept in `results/`.

use std::path::{Path, PathBuf};

use browser::Browser;
use serde_json::Value;

use crate::bench::{DESK, until};
use crate::looks;
use crate::rig::Demo;

#[tokio::test]
async fn recordings_are_played_and_readings_shown() {
    let demo = Demo::start();
    let browser = Browser::start().await.unwrap();
    let address = format!("{}/replay", demo.origin());
    let page = browser.open(&address, DESK).await.unwrap();
    let names: Vec<String> = page
        .eval("[...document.querySelectorAll('#recordings option')].map((option) => option.value)")
        .await
        .unwrap();
    assert!(names.len() >= 2, "{names:?}");
    for name in &names {
        page.run(&format!(
            "(select => {{ select.value = '{name}'; select.dispatchEvent(new Event('change')); }})(document.querySelector('#recordings'))"
        ))
        .await
        .unwrap();
        until(
            &page,
            &format!("document.querySelector('#board').dataset.replay === '{name}.jsonl'"),
        )
        .await;
        let label = page.text("#label").await.unwrap();
        assert!(
            label.contains("Recorded on 20") && label.contains("pushlab"),
            "{label}"
        );
        // It plays by itself, and can be sought.
        page.click("#play").await.unwrap();
        until(
            &page,
            "Number(document.querySelector('#position').value) > 30",
        )
        .await;
        page.click("#play").await.unwrap();
        page.run("(input => { input.value = 1000; input.dispatchEvent(new Event('input')); })(document.querySelector('#position'))")
            .await
            .unwrap();
        let heard = "[...document.querySelectorAll('.panel')].filter((panel) => !panel.hidden).every((panel) => Number(panel.dataset.received) > 8 && panel.dataset.missed === '0')";
        until(&page, heard).await;
    }

    let readings: Vec<(String, f64)> = page
        .eval("[...document.querySelectorAll('#readings tbody tr')].map((row) => [row.dataset.transport, Number(row.querySelector('[data-metric=delivery_age_p50_ns]').dataset.median)])")
        .await
        .unwrap();
    assert!(readings.len() >= 5, "{readings:?}");

    page.run("document.querySelector('#file').files = (data => { data.items.add(new File(['{\"recording\":1}'], 'bad.jsonl')); return data.files; })(new DataTransfer()); document.querySelector('#file').dispatchEvent(new Event('change'))")
        .await
        .unwrap();
    until(
        &page,
        "document.querySelector('#trouble').textContent.startsWith('bad.jsonl')",
    )
    .await;

    looks::of(&page, "demo-replay").await;
    looks::keeps_to_itself(&page, demo.origin(), &[]).await;
    let requests = page.requests().await.unwrap();
    let opens = requests.iter().any(|one| one.url.contains("/benches"));
    assert!(!opens, "a replay opens no bench");
}

/// What the page shows of a result is what the result's own files say.
#[test]
fn readings_are_those_of_the_result() {
    let shown = json(&assets().join("recordings/tour-broadcast.json"));
    let folder = root()
        .join("results")
        .join(shown["folder"].as_str().unwrap());
    let summary = json(&folder.join("summary.json"));
    let manifest = json(&folder.join("manifest.json"));
    for field in ["scenario", "question", "trials"] {
        assert_eq!(shown[field], summary[field], "{field}");
    }
    let scenario = std::fs::read_to_string(folder.join("scenario.toml")).unwrap();
    let interval = format!("poll-interval = {}", shown["poll_interval"]);
    assert!(scenario.contains(&interval), "{interval}");
    assert_eq!(shown["started_utc"], manifest["started_utc"]);
    assert_eq!(shown["version"], manifest["build"]["version"]);
    assert_eq!(shown["git_commit"], manifest["build"]["git_commit"]);
    assert_eq!(shown["cpu_model"], manifest["machine"]["cpu_model"]);
    for arm in shown["arms"].as_array().unwrap() {
        let arms = summary["arms"].as_array().unwrap();
        let kept = arms.iter().find(|kept| kept["arm"] == arm["arm"]).unwrap();
        for (metric, value) in arm["metrics"].as_object().unwrap() {
            for part in ["median", "low", "high"] {
                assert_eq!(value[part], kept["metrics"][metric][part], "{metric}");
            }
        }
    }
}

/// They are loaded with the page, over any network.
#[test]
fn recordings_are_small_and_whole() {
    let mut found = 0;
    for entry in std::fs::read_dir(assets().join("recordings")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "jsonl")
        {
            continue;
        }
        found += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.len() < 300_000, "{}: {} B", path.display(), text.len());
        for line in text.lines() {
            let _: Value = serde_json::from_str(line).unwrap();
        }
    }
    assert!(found >= 2);
}

fn json(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn assets() -> PathBuf {
    root().join("crates/demo/assets")
}
