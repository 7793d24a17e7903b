//! `docs/course` as pages: Markdown rendered, in which HTML is text.

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{
    Alignment, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd,
};

use crate::{assets, page};

/// The document that is shown where none is named.
const FIRST: &str = "index";

/// The page of a document; none if there is no such.
pub(crate) fn page(name: Option<&str>) -> Option<Markup> {
    let name = name.unwrap_or(FIRST);
    let document = assets::document(name)?;
    let (title, body) = render(&document);
    let others = assets::documents();
    let body = html! {
        article.course { (PreEscaped(body)) }
        nav.course-nav aria-label="For teachers" {
            ul {
                @for other in others.iter().filter(|other| *other != name) {
                    li { a href=(address(other)) { (assets::document(other).map(|text| render(&text).0).unwrap_or_default()) } }
                }
            }
        }
    };
    Some(page::layout(&title, "/course", &body))
}

fn address(name: &str) -> String {
    if name == FIRST {
        "/course".to_owned()
    } else {
        format!("/course/{name}")
    }
}

/// The text of its first heading, and the HTML of a document.
fn render(markdown: &str) -> (String, String) {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut events: Vec<Event<'_>> = Parser::new_ext(markdown, options).map(tame).collect();
    let title = name_headings(&mut events);
    let mut html = String::with_capacity(markdown.len() * 2);
    let events = events.into_iter().flat_map(wrap_table);
    pulldown_cmark::html::push_html(&mut html, events);
    (title, html)
}

/// HTML becomes text, links to documents lead to their pages, and tables have no inline styles, which the pages' policy forbids.
fn tame(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Table(columns)) => {
            Event::Start(Tag::Table(vec![Alignment::None; columns.len()]))
        }
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => Event::Start(Tag::Link {
            dest_url: destination(link_type, dest_url),
            link_type,
            title,
            id,
        }),
        other => other,
    }
}

/// A table may be wider than a phone: it scrolls by itself, by keys too.
fn wrap_table(event: Event<'_>) -> impl Iterator<Item = Event<'_>> {
    const BEGIN: &str = r#"<div class="scroll" role="region" aria-label="Table" tabindex="0">"#;
    let html = |text| Event::Html(CowStr::Borrowed(text));
    let before = matches!(event, Event::Start(Tag::Table(_))).then(|| html(BEGIN));
    let after = matches!(event, Event::End(TagEnd::Table)).then(|| html("</div>"));
    before.into_iter().chain([event]).chain(after)
}

/// Where a link leads: `other.md#part` to the page of that document, and nowhere if its scheme isn't one of documents.
fn destination(kind: LinkType, url: CowStr<'_>) -> CowStr<'_> {
    if kind == LinkType::Email {
        return url;
    }
    let (path, part) = url
        .split_once('#')
        .map_or((&*url, ""), |(path, part)| (path, part));
    if let Some(name) = path.strip_suffix(".md").filter(|name| !name.contains('/')) {
        let hash = if part.is_empty() { "" } else { "#" };
        return format!("{}{hash}{part}", address(name)).into();
    }
    let scheme = path.split_once(':').map(|(scheme, _)| scheme);
    match scheme {
        None | Some("http" | "https") => url,
        Some(_) => CowStr::Borrowed("#"),
    }
}

/// Gives each heading an id made of its words, so that links can name it; the text of the first one.
fn name_headings(events: &mut [Event<'_>]) -> String {
    let mut title = None;
    let mut start = None;
    for at in 0..events.len() {
        match &events[at] {
            Event::Start(Tag::Heading { .. }) => start = Some((at, String::new())),
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, words)) = &mut start {
                    words.push_str(text);
                }
            }
            Event::End(TagEnd::Heading(level)) => {
                let is_title = *level == HeadingLevel::H1;
                let Some((begin, words)) = start.take() else {
                    continue;
                };
                if let Event::Start(Tag::Heading { id, .. }) = &mut events[begin] {
                    *id = Some(slug(&words).into());
                }
                if is_title {
                    title.get_or_insert(words);
                }
            }
            _ => {}
        }
    }
    title.unwrap_or_else(|| "Course".to_owned())
}

fn slug(words: &str) -> String {
    let mut slug = String::with_capacity(words.len());
    for word in words
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_lowercase());
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_text_and_links_stay_in_the_course() {
        let (title, html) = render(
            "# The *first* `one`\n\n<script>alert(1)</script> a <b>c</b>\n\n[x](plan-45.md#end) [y](javascript:alert(1)) [z](/bench) [w](https://a.example/)\n\n| a |\n| --: |\n| 1 |\n",
        );
        assert_eq!(title, "The first one");
        assert!(html.contains("<h1 id=\"the-first-one\">"), "{html}");
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
        assert!(html.contains("href=\"/course/plan-45#end\""), "{html}");
        assert!(html.contains("href=\"/bench\"") && html.contains("href=\"https://a.example/\""));
        assert!(!html.contains("javascript:"), "{html}");
        assert!(!html.contains("style="), "{html}");
        assert!(
            html.contains("tabindex=\"0\"><table>") && html.contains("</table>\n</div>"),
            "{html}"
        );
    }
}
