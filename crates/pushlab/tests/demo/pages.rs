//! The first page, the course kit, and what isn't there, in Chromium.

use browser::{Browser, Theme, Viewport};

use crate::looks;
use crate::rig::Demo;

#[tokio::test]
async fn plain_pages_can_be_read_on_any_screen() {
    let demo = Demo::start();
    let browser = Browser::start().await.unwrap();
    for (path, name, expected) in [
        ("", "course-index", &[][..]),
        ("course", "course-kit", &[]),
        ("nowhere", "course-404", &["404"]),
    ] {
        let page = browser
            .open(
                &format!("{}{path}", demo.url),
                Viewport::wide(1280, Theme::Light),
            )
            .await
            .unwrap();
        looks::of(&page, name).await;
        looks::keeps_to_itself(&page, demo.origin(), expected).await;
    }
}

#[tokio::test]
async fn links_of_all_pages_lead_somewhere() {
    let demo = Demo::start();
    let mut waiting = vec!["/".to_owned()];
    let mut known = waiting.clone();
    while let Some(path) = waiting.pop() {
        let answer = demo.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        let links = answer.body.split("href=\"").skip(1);
        for link in links.filter_map(|rest| rest.split('"').next()) {
            let link = link.split('#').next().unwrap_or_default();
            if link.starts_with('/') && !known.iter().any(|other| other == link) {
                known.push(link.to_owned());
                waiting.push(link.to_owned());
            }
        }
    }
    assert!(known.iter().any(|path| path == "/lessons/1"), "{known:?}");
    assert!(known.iter().any(|path| path == "/chat"), "{known:?}");
}
