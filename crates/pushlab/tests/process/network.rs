//! Runs over a link, and the claims that need one, as a user asks for them.

use std::fs;

use serde_json::Value;

use crate::common::{Place, json_file, only_folder, outcome};

/// A poller, a long-poll, a stream and a WebSocket, each some way off.
const FAR: &str = "
name = 'far'
question = 'How far is it?'
kind = 'rooms'
transports = ['request-response', 'long-poll', 'sse', 'websocket']
duration = '600ms'
warm-up = '0s'
trials = 1
[load]
mode = 'open'
rate = '100/s'
payload = '64 B'
[population]
rooms = 10
members = 2
audience = 'room-others'
[client]
poll-interval = '100ms'
";

/// The cells of `runs.csv`, by column.
fn cells(folder: &std::path::Path, column: &str) -> Vec<String> {
    let text = fs::read_to_string(folder.join("runs.csv")).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let place = names.iter().position(|name| *name == column);
    let place = place.unwrap_or_else(|| panic!("no column {column}: {names:?}"));
    // No cell of these scenarios holds a comma.
    lines
        .map(|line| line.split(',').nth(place).unwrap().to_owned())
        .collect()
}

fn numbers(folder: &std::path::Path, column: &str) -> Vec<f64> {
    let cells = cells(folder, column);
    let number = |cell: &String| {
        cell.parse()
            .unwrap_or_else(|_| panic!("{column}: {cell:?}"))
    };
    cells.iter().map(number).collect()
}

/// What was asked, what the link did, what the models say and what was measured stand side by side, and the folder verifies.
#[test]
fn a_link_delays_what_goes_through_it_and_tells() {
    let place = Place::new(&format!(
        "{FAR}[link]\nrtt = '40ms'\nbetween = 'receivers'\n"
    ));
    let out = place.out();
    let (code, printed, errors) = outcome(&[
        "run",
        place.scenario(),
        "--retries",
        "0",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(code, 0, "{errors}");
    assert!(printed.contains("predicted"), "{printed}");
    let folder = only_folder(&out);
    assert_eq!(numbers(&folder, "rtt_s"), [0.04; 4]);
    assert_eq!(
        cells(&folder, "model")
            .iter()
            .filter(|name| *name == "push")
            .count(),
        2
    );
    let least = numbers(&folder, "delivery_age_min_ns");
    let told = numbers(&folder, "link_down_delay_min_ns");
    let predicted = numbers(&folder, "predicted_mean_ns");
    for ((least, told), predicted) in least.iter().zip(&told).zip(&predicted) {
        // Only the way down is far; no event is there sooner.
        assert!(*least >= 20e6 && *told >= 20e6, "{least} {told}");
        assert!(*predicted >= 20e6, "{predicted}");
    }
    let (code, _, errors) = outcome(&["report", folder.to_str().unwrap()]);
    assert_eq!(code, 0, "{errors}");
}

#[test]
fn a_profile_may_be_put_before_any_scenario() {
    let place = Place::new(FAR);
    let out = place.out();
    let arguments = [
        "run",
        place.scenario(),
        "--link",
        "fibre",
        "--transport",
        "websocket",
        "--retries",
        "0",
        "--out",
        out.to_str().unwrap(),
    ];
    let (code, _, errors) = outcome(&arguments);
    assert_eq!(code, 0, "{errors}");
    let folder = only_folder(&out);
    assert_eq!(
        json_file(&folder.join("manifest.json"))["run"]["link"],
        "fibre"
    );
    assert_eq!(numbers(&folder, "rtt_s"), [0.008]);
    let (code, _, errors) = outcome(&["report", folder.to_str().unwrap()]);
    assert_eq!(code, 0, "{errors}");
    let (code, _, errors) = outcome(&["run", place.scenario(), "--link", "5g"]);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("satellite"), "{errors}");
}

/// With root the kernel's TCP recovers from what a link of packets loses; without it the case says what it lacks.
#[test]
fn packets_are_lost_and_sent_again() {
    let place = Place::new(&format!(
        "{FAR}[link]\nbackend = 'packets'\nrtt = '10ms'\nloss = '5 %'\n"
    ));
    let out = place.out();
    let (code, _, errors) = outcome(&[
        "run",
        place.scenario(),
        "--transport",
        "websocket",
        "--retries",
        "0",
        "--out",
        out.to_str().unwrap(),
    ]);
    let folder = only_folder(&out);
    if link::packets::check().is_err() {
        eprintln!("not root: only the error is looked at");
        assert_eq!(code, 1, "{errors}");
        assert!(
            cells(&folder, "outcome_reason")[0].contains("root"),
            "{errors}"
        );
        return;
    }
    assert_eq!(code, 0, "{errors}");
    assert_eq!(numbers(&folder, "loss_share"), [0.05]);
    assert_eq!(numbers(&folder, "lost"), [0.0], "TCP loses nothing");
    let lost = numbers(&folder, "link_up_lost")[0] + numbers(&folder, "link_down_lost")[0];
    assert!(lost > 0.0);
    assert!(numbers(&folder, "delivery_age_min_ns")[0] >= 10e6);
}

#[test]
fn claims_are_told_figure_by_figure() {
    let place = Place::new(FAR);
    let out = place.out();
    let arguments = [
        "claims",
        "1",
        "3",
        "10",
        "--quick",
        "--json",
        "--out",
        out.to_str().unwrap(),
    ];
    let (code, printed, errors) = outcome(&arguments);
    // On a busy machine a figure may be off, or its trials invalid.
    assert!([0, 3].contains(&code), "{code}: {errors}");
    let report: Value = serde_json::from_str(&printed).unwrap();
    let claims = report["claims"].as_array().unwrap();
    let of = |id: &str| {
        claims
            .iter()
            .filter(|line| line["id"] == id)
            .collect::<Vec<_>>()
    };
    let heads = of("1")[0];
    assert_eq!(heads["measured"], 909.0);
    assert_eq!(
        (&heads["published"], &heads["unit"]),
        (&871.0.into(), &"B".into())
    );
    assert_eq!(heads["verdict"], "differs because");
    let slow = of("3");
    assert_eq!(slow.len(), 2);
    assert_eq!(
        (&slow[0]["predicted"], &slow[0]["unit"]),
        (&50.0.into(), &"ms".into())
    );
    if let Some(measured) = slow[0]["measured"].as_f64() {
        assert!(measured >= 50.0, "{measured}");
    }
    assert_eq!(of("10")[0]["verdict"], "open");
    assert!(
        !out.join("claims.json").exists(),
        "only all of them are kept"
    );
    assert!(only_folder(&out).join("runs.csv").exists());
    let (code, _, errors) = outcome(&["claims", "16"]);
    assert_eq!(code, 2, "{errors}");
    let (code, _, errors) = outcome(&["claims", "1", "--from", "/nowhere"]);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("--from /nowhere is no folder"), "{errors}");
}
