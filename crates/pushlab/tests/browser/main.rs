//! The report pages as their readers meet them: opened from disk in a real browser, offline, on a phone and on a desk, in light and dark, with
//! mouse and keyboard.
//!
//! Pages of runs made just now, and all that are committed in `results/`. Their pictures are left in `target/screenshots/<page>-<width>-<theme>.png`,
//! to be looked at; each run of the tests writes them anew.
//!
//! | module | holds |
//! | --- | --- |
//! | `pages` | the pages: fresh runs, and the committed ones |
//! | `audit` | what holds for every page: it asks for nothing, fits, can be read, named, printed |
//! | `contract` | what is on a report |
//! | `interaction` | what a report does when it is used |
//! | `faults` | what is wrong, all of it, told together |

mod audit;
mod contract;
mod faults;
mod interaction;
mod pages;

use browser::{Browser, BrowserError, Theme, Viewport};
use faults::{AllFaults, Faults};
use pages::{Kind, Sheet};

#[tokio::test]
async fn fresh_reports_keep_the_contract() {
    let fresh = pages::Fresh::new();
    check(&fresh.sheets()).await;
}

#[tokio::test]
async fn committed_pages_keep_the_contract() {
    check(&pages::committed()).await;
}

/// A phone, a laptop, a desk.
const SCREENS: [Viewport; 3] = [
    Viewport::phone(360, Theme::Light),
    LAPTOP,
    Viewport::wide(1920, Theme::Light),
];

/// Where pages are used and not only looked at.
const LAPTOP: Viewport = Viewport::wide(1280, Theme::Light);

/// Looks at all pages before it says what is wrong with them, two at a time.
async fn check(sheets: &[Sheet]) {
    let browser = Browser::start().await.unwrap();
    let (evens, odds) = tokio::join!(lane(&browser, sheets, 0), lane(&browser, sheets, 1));
    let mut all = AllFaults::default();
    for (page, faults) in evens.into_iter().chain(odds) {
        all.add(page, faults);
    }
    all.assert_none();
}

/// Every other page, from the first or the second.
async fn lane<'a>(browser: &Browser, sheets: &'a [Sheet], first: usize) -> Vec<(&'a str, Faults)> {
    let mut looked = Vec::new();
    for sheet in sheets.iter().skip(first).step_by(2) {
        let mut faults = Faults::default();
        if let Err(error) = look(browser, sheet, &mut faults).await {
            faults.add(error);
        }
        looked.push((sheet.name.as_str(), faults));
    }
    looked
}

/// One page, in one tab: a new one for each screen would take longer than all that is looked at.
async fn look(browser: &Browser, sheet: &Sheet, faults: &mut Faults) -> Result<(), BrowserError> {
    if !sheet.path.is_file() {
        faults.add(format_args!("{} is missing", sheet.path.display()));
        return Ok(());
    }
    let is_report = sheet.kind != Kind::Index;
    let page = browser.page(LAPTOP).await?;
    page.go_offline().await?;
    for screen in SCREENS {
        page.set_viewport(screen).await?;
        page.goto(sheet.place()).await?;
        let width = screen.width;
        audit::folded(&page, sheet, width, faults).await?;
        if is_report {
            contract::elements(&page, width, faults).await?;
        }
        if is_report && screen.phone {
            interaction::narrow(&page, faults).await?;
        }
        if is_report && screen == LAPTOP {
            contract::content(&page, sheet, faults).await?;
            interaction::report(&page, sheet, faults).await?;
        }
        if screen == LAPTOP {
            audit::use_of(&page, faults).await?;
        }
        audit::unfolded(&page, width, faults).await?;
        if screen == LAPTOP {
            audit::unfolded_text(&page, faults).await?;
        }
    }
    audit::keeps_to_itself(&page, faults).await
}
