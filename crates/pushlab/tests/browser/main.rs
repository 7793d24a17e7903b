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

use browser::{Browser, BrowserError};
use faults::Faults;
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

/// Looks at all pages before it says what is wrong with them.
async fn check(sheets: &[Sheet]) {
    let browser = Browser::start().await.unwrap();
    let mut wrong = Vec::new();
    for sheet in sheets {
        let mut faults = Faults::of(&sheet.name);
        if let Err(error) = look(&browser, sheet, &mut faults).await {
            faults.add(error);
        }
        wrong.extend(faults.into_lines());
    }
    assert!(
        wrong.is_empty(),
        "{} faults:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

async fn look(browser: &Browser, sheet: &Sheet, faults: &mut Faults) -> Result<(), BrowserError> {
    if !sheet.path.is_file() {
        faults.add(format_args!("{} is missing", sheet.path.display()));
        return Ok(());
    }
    audit::page(browser, sheet, faults).await?;
    if sheet.kind != Kind::Index {
        contract::report(browser, sheet, faults).await?;
        interaction::report(browser, sheet, faults).await?;
    }
    Ok(())
}
