//! What holds for every page of the course: it fits on any screen, can be read in light and dark, has a name for all that can be used, can be printed,
//! and asks nobody else for anything.

use std::path::Path;

use browser::{Page, Theme, Viewport};

/// A phone, a laptop, a projector.
const SCREENS: [Viewport; 3] = [
    Viewport::phone(360, Theme::Light),
    Viewport::wide(1280, Theme::Light),
    Viewport::wide(1920, Theme::Light),
];

/// Looks at a page on each screen, in each theme, and says all that is wrong at once. Leaves pictures: `target/screenshots/NAME-WIDTH-THEME.png`.
pub(crate) async fn of(page: &Page, name: &str) {
    let mut faults = Vec::new();
    for screen in SCREENS {
        for theme in [Theme::Light, Theme::Dark] {
            let viewport = Viewport { theme, ..screen };
            page.set_viewport(viewport).await.unwrap();
            // Two frames later it is laid out.
            page.run(
                "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
            )
            .await
            .unwrap();
            let width = screen.width;
            let file = format!("{name}-{width}-{theme}.png");
            let picture = Path::new(env!("CARGO_TARGET_TMPDIR"))
                .with_file_name("screenshots")
                .join(file);
            page.screenshot(&picture).await.unwrap();
            for element in page.overflow().await.unwrap() {
                faults.push(format!("{width} px: sticks out: {element}"));
            }
            for low in page.low_contrast().await.unwrap() {
                let (ratio, needed, text) = (low.ratio, low.needed, low.text);
                faults.push(format!("{theme}: contrast {ratio} < {needed}: {text}"));
            }
            for element in page.unnamed().await.unwrap() {
                // Where the skip link leads, and no control.
                if element.starts_with("<main ") {
                    continue;
                }
                faults.push(format!("no accessible name: {element}"));
            }
            for violation in page.axe().await.unwrap() {
                faults.push(format!("{width} px: axe: {violation}"));
            }
        }
    }
    if page.print().await.unwrap().is_empty() {
        faults.push("printed, it has no page".into());
    }
    faults.sort();
    faults.dedup();
    assert!(faults.is_empty(), "{name}:\n{}", faults.join("\n"));
}

/// Nothing was asked of another machine, and the console has nothing to say but what has one of these words.
pub(crate) async fn keeps_to_itself(page: &Page, origin: &str, expected: &[&str]) {
    let host = origin.rsplit_once(':').map_or(origin, |(host, _)| host);
    for request in page.requests().await.unwrap() {
        let url = request.url;
        let is_own = url.starts_with(host)
            || url.starts_with(&host.replacen("http", "ws", 1))
            || url.starts_with("data:")
            || url.starts_with("blob:");
        assert!(is_own, "it asks for {url}");
    }
    let complaints = page.complaints().await.unwrap();
    let unexpected: Vec<_> = complaints
        .iter()
        .filter(|complaint| !expected.iter().any(|word| complaint.contains(word)))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}
