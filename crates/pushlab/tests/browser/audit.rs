//! What holds for every page, whatever it is about: it asks for nothing but itself, says nothing in the console, fits, can be read, has a name for
//! everything that can be used, leads nowhere that isn't there, and can be printed.

use std::path::{Path, PathBuf};

use browser::{BrowserError, Page, Theme};

use crate::faults::Faults;
use crate::pages::Sheet;

const THEMES: [Theme; 2] = [Theme::Light, Theme::Dark];

/// How it looks when it is opened. Leaves pictures.
pub(crate) async fn folded(
    page: &Page,
    sheet: &Sheet,
    width: u32,
    faults: &mut Faults,
) -> Result<(), BrowserError> {
    // The dark one first: the page is left as it was.
    for theme in THEMES.into_iter().rev() {
        page.set_theme(theme).await?;
        page.screenshot(&picture(sheet, width, theme)).await?;
        can_be_read(page, theme, faults).await?;
    }
    fits(page, &format!("{width} px"), faults).await
}

/// Whether it fits with everything open that can be opened.
pub(crate) async fn unfolded(
    page: &Page,
    width: u32,
    faults: &mut Faults,
) -> Result<(), BrowserError> {
    page.run("for (const one of document.querySelectorAll('details')) one.open = true")
        .await?;
    fits(page, &format!("{width} px, all open"), faults).await
}

/// Whether what can be opened can be read, too. A cell of a table looks the same on each screen.
pub(crate) async fn unfolded_text(page: &Page, faults: &mut Faults) -> Result<(), BrowserError> {
    for theme in THEMES {
        page.set_theme(theme).await?;
        can_be_read(page, theme, faults).await?;
    }
    Ok(())
}

/// It asks for nothing but itself, and has nothing to complain about.
pub(crate) async fn keeps_to_itself(page: &Page, faults: &mut Faults) -> Result<(), BrowserError> {
    let requests = page.requests().await?;
    let itself = requests.first().map(|request| request.url.clone());
    for request in requests {
        let is_itself = request.document && Some(&request.url) == itself.as_ref();
        faults.unless(is_itself, format_args!("it asks for {}", request.url));
    }
    for complaint in page.complaints().await? {
        faults.add(complaint);
    }
    Ok(())
}

async fn fits(page: &Page, how: &str, faults: &mut Faults) -> Result<(), BrowserError> {
    for element in page.overflow().await? {
        faults.add(format_args!("{how}: sticks out: {element}"));
    }
    Ok(())
}

async fn can_be_read(page: &Page, theme: Theme, faults: &mut Faults) -> Result<(), BrowserError> {
    for low in page.low_contrast().await? {
        let (ratio, needed) = (low.ratio, low.needed);
        let text = low.text;
        faults.add(format_args!("{theme}: contrast {ratio} < {needed}: {text}"));
    }
    Ok(())
}

/// Names for those who don't see it, axe's rules, links, and paper.
pub(crate) async fn use_of(page: &Page, faults: &mut Faults) -> Result<(), BrowserError> {
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
