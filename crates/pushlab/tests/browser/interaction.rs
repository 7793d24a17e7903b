//! What a report does when it is used: arms switch off and on, points tell their values to mouse, keyboard and screen reader, the theme toggles, the
//! point of a sweep is chosen, the command is copied.

use browser::{BrowserError, Page, Theme};
use serde::Deserialize;

use crate::faults::Faults;
use crate::pages::{Kind, Sheet};

pub(crate) async fn report(
    page: &Page,
    sheet: &Sheet,
    faults: &mut Faults,
) -> Result<(), BrowserError> {
    page.run(include_str!("interaction.js")).await?;
    let outcome = arms(page, faults).await;
    faults.try_to("switching arms", outcome);
    for chart in page.eval::<Vec<Chart>>("lab.charts()").await? {
        let outcome = mouse(page, &chart, faults).await;
        faults.try_to(&format!("pointing at #{}", chart.id), outcome);
        let outcome = keyboard(page, &chart, faults).await;
        faults.try_to(&format!("keys in #{}", chart.id), outcome);
    }
    if sheet.kind == Kind::Sweep {
        let outcome = points(page, faults).await;
        faults.try_to("choosing a point", outcome);
    }
    let outcome = copy(page, faults).await;
    faults.try_to("copying the command", outcome);

    for theme in [Theme::Dark, Theme::Light] {
        page.goto(sheet.place()).await?;
        page.set_theme(theme).await?;
        let outcome = toggle(page, theme, faults).await;
        faults.try_to("toggling the theme", outcome);
    }
    // As it is without a choice.
    page.goto(sheet.place()).await
}

/// The drawings for narrow screens tell their points, too.
pub(crate) async fn narrow(page: &Page, faults: &mut Faults) -> Result<(), BrowserError> {
    page.run(include_str!("interaction.js")).await?;
    for chart in page.eval::<Vec<Chart>>("lab.charts()").await? {
        let outcome = mouse(page, &chart, faults).await;
        faults.try_to(&format!("pointing at #{} on a phone", chart.id), outcome);
    }
    Ok(())
}

/// A chart that shows, and where to point at.
#[derive(Deserialize)]
struct Chart {
    id: String,
    /// The drawing that shows.
    drawing: String,
    /// What has the focus when its keys are used.
    focus: String,
    /// Places to try, as shares of its width and height: first where marks are.
    places: Vec<[f64; 2]>,
}

/// Each arm is switched off everywhere and comes back.
async fn arms(page: &Page, faults: &mut Faults) -> Result<(), BrowserError> {
    let all = "[...document.querySelectorAll('#arms button[data-arm]')].map((button) => button.dataset.arm)";
    for arm in page.eval::<Vec<String>>(all).await? {
        let button = format!("#arms button[data-arm='{arm}']");
        let state = format!("lab.arm({arm:?})");
        faults.unless(
            page.eval::<String>(&state).await? == "on",
            format_args!("arm {arm} isn't on, or no chart has it"),
        );
        for wanted in ["off", "on"] {
            page.click(&button).await?;
            let state: String = page.eval(&state).await?;
            faults.unless(
                state == wanted,
                format_args!("arm {arm}: clicked, it should be {wanted}: {state}"),
            );
        }
    }
    Ok(())
}

/// Pointing at a point tells what it is; leaving ends it.
async fn mouse(page: &Page, chart: &Chart, faults: &mut Faults) -> Result<(), BrowserError> {
    let mut said = String::new();
    for [x, y] in &chart.places {
        page.hover(&chart.drawing, *x, *y).await?;
        said = page.eval("lab.tip()").await?;
        if !said.is_empty() {
            break;
        }
    }
    tells(page, &said, "pointed at", chart, faults).await?;
    faults.unless(
        said.is_empty() || page.eval("lab.tipFits()").await?,
        format_args!("#{}: #tip sticks out of the view", chart.id),
    );
    page.hover("h1", 0.5, 0.5).await?;
    let said: String = page.eval("lab.tip()").await?;
    faults.unless(
        said.is_empty(),
        format_args!("#{}: left, #tip still shows: {said}", chart.id),
    );
    Ok(())
}

/// Arrow keys walk over the points and tell the same; Escape ends it.
async fn keyboard(page: &Page, chart: &Chart, faults: &mut Faults) -> Result<(), BrowserError> {
    let id = &chart.id;
    let focus = format!("lab.focus({:?})", chart.focus);
    if !page.eval::<bool>(&focus).await? {
        faults.add(format_args!("#{id} can't have the focus"));
        return Ok(());
    }
    let mut said = Vec::new();
    for key in ["ArrowRight", "ArrowRight", "ArrowLeft"] {
        page.press(key).await?;
        said.push(page.eval::<String>("lab.tip()").await?);
    }
    tells(page, &said[0], "after ArrowRight", chart, faults).await?;
    // A chart may have a single point.
    faults.unless(
        said[0] == said[2],
        format_args!("#{id}: ArrowLeft doesn't lead back: {said:?}"),
    );
    let live: String = page
        .eval("document.querySelector('#live')?.textContent ?? ''")
        .await?;
    faults.unless(
        !live.trim().is_empty(),
        format_args!("#{id}: #live doesn't tell what the keys show"),
    );
    page.press("Escape").await?;
    let said: String = page.eval("lab.tip()").await?;
    faults.unless(
        said.is_empty(),
        format_args!("#{id}: after Escape, #tip still shows: {said}"),
    );
    Ok(())
}

/// An arm's name, and a value with a unit.
async fn tells(
    page: &Page,
    said: &str,
    when: &str,
    chart: &Chart,
    faults: &mut Faults,
) -> Result<(), BrowserError> {
    let good: bool = page.eval(&format!("lab.isTold({said:?})")).await?;
    faults.unless(
        good,
        format_args!(
            "#{}: {when}, #tip should tell an arm and a value with its unit: {said:?}",
            chart.id
        ),
    );
    Ok(())
}

/// Each point of a sweep has its own charts, and only they show.
async fn points(page: &Page, faults: &mut Faults) -> Result<(), BrowserError> {
    let all =
        "[...(document.querySelector('select#point')?.options ?? [])].map((one) => one.value)";
    let all: Vec<String> = page.eval(all).await?;
    faults.unless(all.len() > 1, format_args!("select#point has only {all:?}"));
    let mut seen: Vec<Vec<String>> = Vec::new();
    for point in &all {
        page.run(&format!("lab.choose({point:?})")).await?;
        let shown: Vec<String> = page
            .eval("lab.shown().filter((chart) => chart.dataset.chart === 'percentiles').map((chart) => chart.id)")
            .await?;
        faults.unless(
            shown.len() == 1 && !seen.contains(&shown),
            format_args!("at point {point}, these percentiles show: {shown:?} (before: {seen:?})"),
        );
        seen.push(shown);
    }
    Ok(())
}

async fn copy(page: &Page, faults: &mut Faults) -> Result<(), BrowserError> {
    page.run("lab.watchClipboard()").await?;
    page.click("#copy").await?;
    page.wait_for("lab.copied !== null").await?;
    let (copied, command): (String, String) = page
        .eval("[lab.copied, document.querySelector('#command code').textContent.trim()]")
        .await?;
    faults.unless(
        copied == command,
        format_args!("#copy copies {copied:?} and not {command:?}"),
    );
    Ok(())
}

/// The button goes from what the reader prefers to the other one and back, with the colours that the preference has.
async fn toggle(page: &Page, preferred: Theme, faults: &mut Faults) -> Result<(), BrowserError> {
    let look = "getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor + getComputedStyle(document.body).color";
    let theme = "document.documentElement.dataset.theme ?? ''";
    let first: String = page.eval(look).await?;
    let other = match preferred {
        Theme::Light => Theme::Dark,
        Theme::Dark => Theme::Light,
    };
    page.set_theme(other).await?;
    let opposite: String = page.eval(look).await?;
    page.set_theme(preferred).await?;
    faults.unless(
        first != opposite,
        "the page doesn't follow prefers-color-scheme",
    );
    for (wanted, colours) in [(other, &opposite), (preferred, &first)] {
        page.click("#theme").await?;
        let now: String = page.eval(theme).await?;
        faults.unless(
            now == wanted.to_string(),
            format_args!("#theme, preferring {preferred}: data-theme is {now:?}, not {wanted}"),
        );
        faults.unless(
            page.eval::<String>(look).await? == *colours,
            format_args!("#theme: {wanted} by the button is not {wanted} by preference"),
        );
    }
    Ok(())
}
