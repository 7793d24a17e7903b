//! Pages: fragments of HTML in one layout, which has what every page owes: a language, a title, a way past the navigation, landmarks.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::assets;
use crate::lessons::{LESSONS, Lesson};

/// Where a fragment wants the list of lessons.
const LIST: &str = "<!-- lessons -->";

/// The page of a fragment; none if there is no such.
pub(crate) fn of(name: &str) -> Option<Markup> {
    let fragment = assets::fragment(name)?;
    let (title, body) = take_title(&fragment);
    let body = body.replacen(LIST, &list().into_string(), 1);
    let here = if name == "index" {
        "/".to_owned()
    } else {
        format!("/{name}")
    };
    Some(layout(title.unwrap_or(name), &here, &PreEscaped(body)))
}

/// The page of a lesson; none if its fragment isn't there.
pub(crate) fn lesson(lesson: &Lesson) -> Option<Markup> {
    let fragment = assets::fragment(&format!("lessons/{}", lesson.id))?;
    let (_, body) = take_title(&fragment);
    let body = with_run(body)?;
    let place = LESSONS.iter().position(|other| other.id == lesson.id)?;
    let before = place.checked_sub(1).map(|before| &LESSONS[before]);
    let after = LESSONS.get(place + 1);
    let body = html! {
        p.lesson-number { "Lesson " (lesson.id) }
        h1 { (lesson.title) }
        (PreEscaped(body))
        nav.lesson-nav aria-label="Lessons" {
            @if let Some(before) = before {
                a rel="prev" href=(url(before)) { "Before: " (before.title) }
            }
            a href=(LIST_OF_LESSONS) { "All lessons" }
            @if let Some(after) = after {
                a rel="next" href=(url(after)) { "Next: " (after.title) }
            }
        }
    };
    let title = format!("{}. {}", lesson.id, lesson.title);
    Some(layout(&title, LIST_OF_LESSONS, &body))
}

/// What is said of a path that leads nowhere.
pub(crate) fn not_found() -> Markup {
    layout(
        "Not found",
        "",
        &html! {
            h1 { "There is no such page" }
            p { "What there is stands on " a href="/" { "the first page" } "." }
        },
    )
}

/// Where a lesson is.
pub(crate) fn url(lesson: &Lesson) -> String {
    format!("/lessons/{}", lesson.id)
}

/// `body` with all that is around it; `here` is where it is among the [`PLACES`], if anywhere.
pub(crate) fn layout(title: &str, here: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-version={ "pushlab " (env!("CARGO_PKG_VERSION")) } {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · pushlab" }
                // Without one a browser asks the server for it.
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/assets/style.css";
            }
            body {
                a.skip href="#main" { "To the content" }
                header.site {
                    a.home href="/" { "pushlab" }
                    nav aria-label="Site" {
                        ul {
                            @for (address, name) in PLACES {
                                li { a href=(address) aria-current=[(address == here).then_some("page")] { (name) } }
                            }
                        }
                    }
                }
                main #main tabindex="-1" { (body) }
                footer.site {
                    p { "Everything here runs on this machine: real servers, real sockets, nothing from elsewhere." }
                }
            }
        }
    }
}

/// Where the lessons are listed.
const LIST_OF_LESSONS: &str = "/#lessons";

const PLACES: [(&str, &str); 6] = [
    ("/bench", "Side by side"),
    (LIST_OF_LESSONS, "Lessons"),
    ("/hello", "Hello"),
    ("/chat", "Chat"),
    ("/replay", "Replay"),
    ("/course", "For teachers"),
];

fn list() -> Markup {
    html! {
        ol.lessons {
            @for lesson in LESSONS {
                // Some numbers have no lesson: their experiments are no browser's.
                li value=(lesson.id) { a href=(url(lesson)) { (lesson.title) } }
            }
        }
    }
}

/// A lesson's fragment with the parts that are the same in each, the run and its figures, in the place of `<!-- run: about 8 s -->`; none if it has no
/// such place.
fn with_run(fragment: &str) -> Option<String> {
    let (before, rest) = fragment.split_once("<!-- run: ")?;
    let (time, after) = rest.split_once(" -->\n")?;
    let run = assets::fragment("parts/run")?.replacen("<!-- time -->", time, 1);
    Some([before, &run, after].concat())
}

/// The title that a fragment's first line gives, and what follows.
fn take_title(fragment: &str) -> (Option<&str>, &str) {
    let title = fragment.strip_prefix("<!-- title:").and_then(|rest| {
        let (title, body) = rest.split_once("-->")?;
        Some((title.trim(), body.trim_start()))
    });
    title.map_or((None, fragment), |(title, body)| (Some(title), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_line_or_none() {
        assert_eq!(
            take_title("<!-- title: A & b -->\n<p>c"),
            (Some("A & b"), "<p>c")
        );
        assert_eq!(take_title("<p>c"), (None, "<p>c"));
    }

    #[test]
    fn each_lesson_can_be_run() {
        for one in LESSONS {
            let page = lesson(one).unwrap().into_string();
            assert!(
                page.contains("<button type=\"button\" id=\"run\""),
                "{}",
                one.id
            );
            assert!(page.contains("(about "), "{}", one.id);
        }
        assert_eq!(with_run("<p>no place for it"), None);
    }

    #[test]
    fn the_first_page_lists_all_lessons() {
        let page = of("index").unwrap().into_string();
        for lesson in LESSONS {
            assert!(
                page.contains(&format!("href=\"{}\"", url(lesson))),
                "{}",
                lesson.id
            );
        }
        assert!(!page.contains(LIST));
    }
}
