//! What holds for every page, whatever it is about: it asks for nothing but itself, says nothing in the console, fits, can be read, has a name for
//! everything that can be used, leads nowhere that isn't there, and can be printed.

use std::path::{Path, PathBuf};

use browser::{Browser, BrowserError, Page, Theme, Viewport};

use crate::faults::Faults;
use crate::pages::Sheet;

/// A phone, a laptop, a desk.
const SCREENS: [Viewport; 3] = [
    Viewport::phone(360, Theme::Light),
    Viewport::wide(1280, Theme::Light),
    Viewport::wide(1920, Theme::Light),
];

pub(crate) async fn page(
    browser: &Browser,
    sheet: &Sheet,
    faults: &mut Faults,
) -> Result<(), BrowserError> {
    for screen in SCREENS {
        let page = open(browser, sheet, screen).await?;
        for theme in [Theme::Light, Theme::Dark] {
            page.set_theme(theme).await?;
            page.screenshot(&picture(sheet, screen.width, theme))
                .await?;
            looks(&page, &format!("{} px, {theme}", screen.width), faults).await?;
        }
        open_details(&page).await?;
        for theme in [Theme::Light, Theme::Dark] {
            page.set_theme(theme).await?;
            let how = format!("{} px, {theme}, all open", screen.width);
            looks(&page, &how, faults).await?;
        }
        if screen.width == 1280 {
            can_be_used(&page, faults).await?;
        }
        keeps_to_itself(&page, faults).await?;
    }
    Ok(())
}

/// A page without a network, from its file.
pub(crate) async fn open(
    browser: &Browser,
    sheet: &Sheet,
    screen: Viewport,
) -> Result<Page, BrowserError> {
    let page = browser.page(screen).await?;
    page.go_offline().await?;
    page.goto(sheet.path.to_str().expect("a path in UTF-8"))
        .await?;
    Ok(page)
}

/// It asks for nothing but itself, and has nothing to complain about.
pub(crate) async fn keeps_to_itself(page: &Page, faults: &mut Faults) -> Result<(), BrowserError> {
    let requests = page.requests().await?;
    let itself = requests.len() == 1 && requests[0].document;
    faults.unless(itself, format_args!("it asks for more: {requests:?}"));
    for complaint in page.complaints().await? {
        faults.add(complaint);
    }
    Ok(())
}

async fn looks(page: &Page, how: &str, faults: &mut Faults) -> Result<(), BrowserError> {
    for element in page.overflow().await? {
        faults.add(format_args!("{how}: sticks out: {element}"));
    }
    for low in page.low_contrast().await? {
        let (ratio, needed) = (low.ratio, low.needed);
        let text = low.text;
        faults.add(format_args!("{how}: contrast {ratio} < {needed}: {text}"));
    }
    Ok(())
}

async fn can_be_used(page: &Page, faults: &mut Faults) -> Result<(), BrowserError> {
    for element in page.unnamed().await? {
        faults.add(format_args!("no accessible name: {element}"));
    }
    for violation in page.axe().await? {
        faults.add(format_args!("axe: {violation}"));
    }
    // Links to files: `pathname` is percent-encoded.
    let links = "[...document.links].filter((link) => link.protocol === 'file:').map((link) => decodeURIComponent(link.pathname))";
    for link in page.eval::<Vec<String>>(links).await? {
        faults.unless(
            Path::new(&link).exists(),
            format_args!("a link leads to {link}, which isn't there"),
        );
    }
    let paper = page.print().await?;
    faults.unless(pages_of(&paper) > 0, "printed, it has no page");
    Ok(())
}

async fn open_details(page: &Page) -> Result<(), BrowserError> {
    page.run("for (const one of document.querySelectorAll('details')) one.open = true")
        .await
}

/// `target/screenshots/<page>-<width>-<theme>.png`.
fn picture(sheet: &Sheet, width: u32, theme: Theme) -> PathBuf {
    let file = format!("{}-{width}-{theme}.png", sheet.name);
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .with_file_name("screenshots")
        .join(file)
}

/// How many pages a PDF file has, by its page objects.
fn pages_of(pdf: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pdf);
    let objects = text.matches("/Type /Page").count();
    objects - text.matches("/Type /Pages").count()
}
