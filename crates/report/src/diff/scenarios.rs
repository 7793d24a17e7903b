//! Whether two runs are of the same scenario.

use measure::Folder;

/// In what the scenarios differ, comments and blank lines apart; none if they are the same.
pub(super) fn difference(a: &Folder, b: &Folder) -> Option<String> {
    let (own, other) = (&a.summary.scenario, &b.summary.scenario);
    if own != other {
        return Some(format!("A is a run of {own}, B of {other}"));
    }
    let (a, b) = (bare(&a.scenario), bare(&b.scenario));
    let alike = a
        .iter()
        .zip(&b)
        .take_while(|(own, other)| own.text == other.text);
    let first = alike.count();
    let said = |run: &str, lines: &[Line]| {
        lines.get(first).map_or_else(
            || format!("{run} has nothing more"),
            |line| format!("line {} of {run} is `{}`", line.number, line.text),
        )
    };
    (first < a.len().max(b.len()))
        .then(|| format!("scenario.toml: {}, {}", said("A", &a), said("B", &b)))
}

/// A line that says something.
#[derive(Debug, PartialEq)]
struct Line {
    /// From 1.
    number: usize,
    text: String,
}

/// The lines without comments and blanks around them. Scenarios have no texts of several lines.
fn bare(text: &str) -> Vec<Line> {
    let lines = (1..).zip(text.lines()).map(|(number, line)| Line {
        number,
        text: without_comment(line).trim().to_owned(),
    });
    lines.filter(|line| !line.text.is_empty()).collect()
}

fn without_comment(line: &str) -> &str {
    let (mut quote, mut is_escaped) = (None, false);
    for (at, letter) in line.char_indices() {
        match (quote, letter) {
            _ if is_escaped => is_escaped = false,
            (Some('"'), '\\') => is_escaped = true,
            (Some(open), _) if open == letter => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '#') => return &line[..at],
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_left_out_and_texts_kept() {
        let cases = [
            ("rate = 1 # a second", "rate = 1 "),
            (
                "question = \"is # one?\" # yes",
                "question = \"is # one?\" ",
            ),
            ("question = 'is \\' # no", "question = 'is \\' "),
            (
                "question = \"say \\\"#\\\"\" #",
                "question = \"say \\\"#\\\"\" ",
            ),
            ("# all", ""),
        ];
        for (line, right) in cases {
            assert_eq!(without_comment(line), right);
        }
        let lines = bare("# a\n\n name = 'x'  # b\n");
        assert_eq!(
            lines,
            [Line {
                number: 3,
                text: "name = 'x'".to_owned()
            }]
        );
    }
}
