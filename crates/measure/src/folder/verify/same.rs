//! Whether two JSON texts, written in the same way, say the same; and where they first don't.
//!
//! Both are walked line by line, so that the difference has its line in the file.

/// Numbers that another machine's logarithms give may differ by this share.
const ROUNDING: f64 = 1e-9;

/// The line, from 1, on which `text` first differs from `right`, and in what.
pub(super) fn difference(text: &str, right: &str) -> Option<(u64, String)> {
    let mut place = Place::default();
    let mut lines = text.lines();
    for (number, wanted) in (1..).zip(right.lines()) {
        let path = place.step(wanted);
        let own = lines.next().unwrap_or_default();
        if own != wanted && !is_near(own, wanted) {
            return Some((number, said(&path, own.trim(), wanted.trim())));
        }
    }
    let rest = lines.next()?;
    let number = right.lines().count() as u64 + 1;
    Some((number, format!("`{}` stands behind the end", rest.trim())))
}

/// What stands where, and what would be right.
fn said(path: &str, own: &str, wanted: &str) -> String {
    let value = |line: &str| line.trim_end_matches(',').to_owned();
    match (split(own), split(wanted)) {
        (Some((own_key, own)), Some((key, wanted))) if own_key == key => {
            format!("{path} is {}; {} would be right", value(own), value(wanted))
        }
        (None, None) if !own.is_empty() => {
            format!("{path} is {}; {} would be right", value(own), value(wanted))
        }
        _ if own.is_empty() => format!("{path} is missing; `{}` would be right", value(wanted)),
        _ => format!(
            "`{}` stands here; `{}` would be right, {path}",
            value(own),
            value(wanted)
        ),
    }
}

/// Whether two lines differ in the last digits of a number alone.
fn is_near(own: &str, wanted: &str) -> bool {
    let number = |line: &str| -> Option<f64> {
        let value = split(line).map_or(line.trim(), |(_, value)| value);
        value.trim_end_matches(',').parse().ok()
    };
    let key = |line: &str| split(line).map(|(key, _)| key.to_owned());
    let (Some(a), Some(b)) = (number(own), number(wanted)) else {
        return false;
    };
    key(own) == key(wanted)
        && own.ends_with(',') == wanted.ends_with(',')
        && (a - b).abs() <= ROUNDING * a.abs().max(b.abs())
}

/// Key and value of a line `"key": value`.
fn split(line: &str) -> Option<(&str, &str)> {
    line.trim().strip_prefix('"')?.split_once("\": ")
}

/// Where a walk through a text is: the lists and objects that it is within.
#[derive(Default)]
struct Place {
    within: Vec<Level>,
}

struct Level {
    /// Its key, or its place in a list.
    name: String,
    /// Of a list: how many members there were so far.
    members: Option<usize>,
}

impl Place {
    /// Takes a line; what stands on it, as `arms[2].metrics.latency_p50_ns.median`.
    fn step(&mut self, line: &str) -> String {
        let line = line.trim().trim_end_matches(',');
        if matches!(line, "}" | "]") {
            let path = self.path("");
            self.within.pop();
            return path;
        }
        let list = self
            .within
            .last_mut()
            .and_then(|level| level.members.as_mut());
        let (name, value) = match (list, split(line)) {
            (Some(members), _) => {
                *members += 1;
                (format!("[{}]", *members - 1), line)
            }
            (None, Some((key, value))) => (key.to_owned(), value),
            (None, None) => (String::new(), line),
        };
        let path = self.path(&name);
        if matches!(value, "{" | "[") {
            let members = (value == "[").then_some(0);
            self.within.push(Level { name, members });
        }
        path
    }

    fn path(&self, last: &str) -> String {
        let mut path = String::new();
        let names = self.within.iter().map(|level| level.name.as_str());
        for name in names.chain([last]).filter(|name| !name.is_empty()) {
            if !path.is_empty() && !name.starts_with('[') {
                path.push('.');
            }
            path.push_str(name);
        }
        if path.is_empty() {
            path.push_str("the whole");
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = r#"{
  "folder": "a",
  "arms": [
    {
      "arm": "x",
      "metrics": {
        "p50": {
          "median": 4826.0,
          "values": [
            1.0,
            2.0
          ]
        }
      }
    },
    {
      "arm": "y",
      "trials": []
    }
  ]
}"#;

    fn with(from: &str, to: &str) -> Option<(u64, String)> {
        assert!(RIGHT.contains(from));
        difference(&RIGHT.replacen(from, to, 1), RIGHT)
    }

    #[test]
    fn a_difference_has_its_place() {
        assert_eq!(difference(RIGHT, RIGHT), None);
        let cases = [
            (
                "4826.0",
                "4825.0",
                8,
                "arms[0].metrics.p50.median is 4825.0; 4826.0 would be right",
            ),
            (
                "2.0",
                "3.0",
                11,
                "arms[0].metrics.p50.values[1] is 3.0; 2.0 would be right",
            ),
            (
                "\"y\"",
                "\"z\"",
                17,
                "arms[1].arm is \"z\"; \"y\" would be right",
            ),
            (
                "[]",
                "null",
                18,
                "arms[1].trials is null; [] would be right",
            ),
            (
                "\"folder\"",
                "\"floder\"",
                2,
                "`\"floder\": \"a\"` stands here; `\"folder\": \"a\"` would be right, folder",
            ),
            ("\n  ]\n}", "", 20, "arms is missing; `]` would be right"),
        ];
        for (from, to, line, reason) in cases {
            assert_eq!(with(from, to), Some((line, reason.to_owned())));
        }
        let longer = format!("{RIGHT}\n{{}}");
        assert_eq!(
            difference(&longer, RIGHT),
            Some((22, "`{}` stands behind the end".to_owned()))
        );
    }

    #[test]
    fn the_last_digits_may_differ() {
        assert_eq!(with("4826.0", "4826.000001"), None);
        assert!(with("4826.0", "4826.0001").is_some());
        assert!(with("4826.0,", "4826.0").is_some());
    }
}
