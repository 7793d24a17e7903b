//! Peers made for a test, and a scenario to run them in.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::common::{Place, json_file, only_folder, outcome};

/// A server of the shootout protocol and of an echo, in the standard library alone. What `FAULT` says goes wrong.
const SERVER: &str = include_str!("server.py");

/// A kind of traffic, a few of them.
pub(super) fn scenario(kind: &str, more: &str) -> String {
    let (load, population) = match kind {
        "idle" => ("", "clients = 5"),
        "broadcast" => (
            "[load]\nmode = 'open'\narrivals = 'constant'\nrate = '100/s'\npayload = '64 B'\n",
            "subscribers = 3",
        ),
        _ => ("[load]\nmode = 'closed'\npayload = '64 B'\n", "clients = 2"),
    };
    format!(
        "name = 'beside'\nquestion = 'Does it run beside others?'\nkind = '{kind}'\ntransports = ['websocket']\nduration = '600ms'\n\
         warm-up = '100ms'\ntrials = 1\n{more}\n{load}[population]\n{population}\n"
    )
}

/// A folder of peers, with one in it whose server has this fault.
pub(super) struct Shelf {
    pub(super) place: Place,
    pub(super) peers: PathBuf,
}

impl Shelf {
    pub(super) fn new(scenario: &str, fault: &str) -> Self {
        let place = Place::new(scenario);
        let peers = place.folder.path().join("peers");
        let shelf = Self { place, peers };
        shelf.add("fake", fault);
        shelf
    }

    pub(super) fn add(&self, name: &str, fault: &str) {
        let folder = self.peers.join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("server.py"), SERVER).unwrap();
        let server = format!("command = [\"python3\", \"server.py\", \"{fault}\"]");
        fs::write(folder.join("peer.toml"), description(name, &server)).unwrap();
    }

    pub(super) fn peers(&self) -> &str {
        self.peers.to_str().unwrap()
    }

    /// Runs the scenario with these arguments, once.
    pub(super) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let out = self.place.out();
        let mut all = vec!["run", self.place.scenario(), "--retries", "0"];
        all.extend(["--out", out.to_str().unwrap(), "--peers-dir", self.peers()]);
        all.extend(arguments);
        outcome(&all)
    }

    /// The arm of that name, and the manifest, of the only run.
    pub(super) fn result(&self, arm: &str) -> (Value, Value) {
        let folder = only_folder(&self.place.out());
        let summary = json_file(&folder.join("summary.json"));
        let arms = summary["arms"].as_array().unwrap();
        let found = arms.iter().find(|one| one["arm"] == arm).unwrap();
        (found.clone(), json_file(&folder.join("manifest.json")))
    }
}

pub(super) fn description(name: &str, server: &str) -> String {
    format!(
        "title = \"a peer of the tests\"\nlanguage = \"Python\"\npackage = \"{name}\"\nregistry = \"PyPI\"\nversion = \"1.2.3\"\n\
         note = \"made for a test\"\n\n[install]\ncreates = \"server.py\"\nruns = [\"python3\"]\n\
         version-command = [\"echo\", \"{name} 1.2.3\"]\n\n[server]\n{server}\n\n[[arm]]\nname = \"{name}\"\n\
         echo = {{ protocol = \"echo\", url = \"ws://{{address}}/echo\" }}\n\
         broadcast = {{ protocol = \"shootout\", url = \"ws://{{address}}/shootout\" }}\n\
         idle = {{ protocol = \"echo\", url = \"ws://{{address}}/echo\" }}\n"
    )
}
