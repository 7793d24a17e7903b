//! What the kept run of `pushlab claims` measured: its file, `results/claims/claims.json`, is within the binary.

use std::sync::LazyLock;

use serde::Deserialize;

/// A row of the file, as far as it is shown.
#[derive(Deserialize)]
struct Row {
    id: String,
    figure: String,
    measured: Option<f64>,
}

#[derive(Deserialize)]
struct File {
    claims: Vec<Row>,
}

/// Of a claim's figure, what was measured; none if it has no such figure.
pub(super) fn measured(id: &str, figure: &str) -> Option<f64> {
    static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
        let text = include_str!("../../../../results/claims/claims.json");
        // The test below reads it; a file that can't be read shows nothing rather than ending the server.
        serde_json::from_str(text).map_or_else(|_| Vec::new(), |file: File| file.claims)
    });
    let row = ROWS.iter().find(|row| row.id == id && row.figure == figure);
    row?.measured
}

#[cfg(test)]
mod tests {
    use super::super::LESSONS;

    #[test]
    fn lessons_with_a_native_twin_have_its_figures() {
        for lesson in LESSONS {
            let native = (lesson.facts)()
                .figures
                .iter()
                .filter(|figure| figure.native.is_some())
                .count();
            // No native client has a browser's limits, nor its compression.
            let expected = match lesson.id {
                "11" | "12" => 0,
                "14" | "3" | "15" => 2,
                "7" => 1,
                _ => 3,
            };
            assert!(native >= expected, "{}: {native}", lesson.id);
        }
    }
}
