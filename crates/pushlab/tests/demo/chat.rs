//! The chapter's demos in real tabs: HELLO and WORLD, and a chat across transports that a cut cable and a reload can't harm.

use browser::{Browser, Page, Theme, Viewport};

use crate::looks;
use crate::rig::{Demo, PATIENCE};

const DESK: Viewport = Viewport::wide(1280, Theme::Light);

#[tokio::test]
async fn hello_in_one_tab_is_heard_in_the_other_whatever_they_use() {
    let demo = Demo::start();
    let browser = Browser::start().await.unwrap();
    let one = open_hello(&browser, &demo).await;
    let other = open_hello(&browser, &demo).await;
    let mut told = Vec::new();
    for (left, right) in [
        ("websocket", "long-poll"),
        ("request-response", "sse"),
        ("socket-io", "websocket"),
    ] {
        use_transport(&one, left, "hello").await;
        use_transport(&other, right, "hello").await;
        for (from, to, word, over) in [
            (&one, &other, "HELLO", left),
            (&other, &one, "WORLD", right),
        ] {
            from.click("#text").await.unwrap();
            from.type_text(word).await.unwrap();
            from.press("Enter").await.unwrap();
            told.push(word);
            let session = from.text("#session").await.unwrap();
            let heard = format!(
                "document.querySelectorAll('#heard > div').length === {} && document.querySelector('#heard > div:last-child').textContent === '{word}tab {session}, over {over}'",
                told.len()
            );
            to.wait_for_within(PATIENCE, &heard).await.unwrap();
            let own = format!(
                "document.querySelector('#heard > .own:nth-child({})')?.textContent === '{word}this tab, over {over}'",
                told.len()
            );
            from.wait_for_within(PATIENCE, &own).await.unwrap();
        }
    }
    for page in [&one, &other] {
        let heard: Vec<String> = page
            .eval("[...document.querySelectorAll('#heard .text')].map((one) => one.textContent)")
            .await
            .unwrap();
        assert_eq!(heard, told);
        keeps_to_itself(page, &demo, &[]).await;
    }
}

/// What a cut cable makes a browser complain of, and nothing else does.
const CUT: [&str; 5] = [
    "net::ERR_CONNECTION_RESET",
    "net::ERR_SOCKET_NOT_CONNECTED",
    "net::ERR_EMPTY_RESPONSE",
    "net::ERR_INCOMPLETE_CHUNKED_ENCODING",
    "Connection closed before receiving a handshake response",
];

#[tokio::test]
async fn a_chat_across_transports_survives_a_cut_a_change_and_a_reload() {
    let demo = Demo::start();
    let browser = Browser::start().await.unwrap();
    let mut people = Vec::new();
    for (nick, over) in [
        ("Ada", "websocket"),
        ("Bob", "long-poll"),
        ("Cy", "request-response"),
        ("Dee", "sse"),
    ] {
        let page = open_chat(&browser, &demo, over).await;
        name(&page, nick).await;
        people.push(page);
    }
    let [ada, bob, cy, dee] = &people[..] else {
        unreachable!("there are four")
    };
    for page in &people {
        let all = "[...document.querySelectorAll('#people .name')].map((one) => one.textContent).join() === 'Ada,Bob,Cy,Dee'";
        page.wait_for_within(PATIENCE, all).await.unwrap();
    }
    let mut said = Vec::new();
    let mut say = async |page: &Page, text: &str| {
        write(page, text).await;
        said.push(text.to_owned());
    };
    say(ada, "one").await;
    until_all_heard(&people, 1).await;
    say(bob, "two").await;
    until_all_heard(&people, 2).await;

    // Bob's cable is cut: what is said meanwhile waits, and so does what he says himself.
    bob.click("#cable").await.unwrap();
    bob.wait_for_within(PATIENCE, "document.querySelector('#cable').getAttribute('aria-pressed') === 'true' && document.documentElement.dataset.chat !== 'open'")
        .await
        .unwrap();
    say(ada, "three").await;
    say(dee, "four").await;
    until_all_heard(&[ada, cy, dee], 4).await;
    say(bob, "five").await;
    let pale = "document.querySelectorAll('#log .unsure').length === 1";
    bob.wait_for_within(PATIENCE, pale).await.unwrap();
    // In the middle of it he loads the page anew: its cable is another one, and whole.
    bob.reload().await.unwrap();
    until_all_heard(&people, 5).await;

    // Cy is cut while everybody talks, changes to a WebSocket meanwhile, and plugs the cable in again.
    cy.click("#cable").await.unwrap();
    cy.wait_for_within(
        PATIENCE,
        "document.querySelector('#cable').getAttribute('aria-pressed') === 'true'",
    )
    .await
    .unwrap();
    say(cy, "six").await;
    say(bob, "seven").await;
    until_all_heard(&[ada, bob, dee], 6).await;
    choose(cy, "websocket").await;
    cy.click("#cable").await.unwrap();
    until_all_heard(&people, 7).await;

    // Everybody has heard everything once, in one order; those who were cut off too.
    let mut expected = heard(ada).await;
    for page in &people {
        assert_eq!(heard(page).await, expected);
        let unsure = "document.querySelectorAll('#log .unsure').length === 0";
        page.wait_for_within(PATIENCE, unsure).await.unwrap();
    }
    expected.sort_unstable();
    said.sort_unstable();
    assert_eq!(expected, said);
    for page in &people {
        keeps_to_itself(page, &demo, &CUT).await;
    }
}

const HOSTILE: &str = "<img src=x onerror=alert(1)>";

#[tokio::test]
async fn what_others_write_is_never_more_than_text_and_private_is_private() {
    let demo = Demo::start();
    let browser = Browser::start().await.unwrap();
    let ada = open_chat(&browser, &demo, "websocket").await;
    let bob = open_chat(&browser, &demo, "long-poll").await;
    let cy = open_chat(&browser, &demo, "sse").await;
    name(&ada, "<b>A</b>").await;
    name(&bob, "Bob").await;
    name(&cy, "Cy").await;
    write(&ada, HOSTILE).await;
    // By hand, past the page's own limits: another kind of value, a name and a text that are too long, a room that isn't one's own.
    let forged = format!(
        "import('/modules/websocket.js').then(async ({{ connect }}) => {{
            const {{ openBench }} = await import('/assets/lib/bench.js');
            const bench = await openBench({{ hub: 'common' }});
            const client = connect(bench.urlOf('websocket'));
            const to = {{ room: 'chat:lobby' }};
            const id = () => Math.random().toString();
            for (const data of [null, 7, {{ id: 7 }}, {{ id: id(), nick: {{}}, text: 'x' }}, {{ id: id(), nick: 'x', text: ['x'], room: 'lobby' }},
                {{ id: id(), nick: 'x', text: 'y', room: '__proto__' }}, {{ id: 'twice', nick: 'N'.repeat(1000), text: 't'.repeat(10_000), room: 'lobby' }},
                {{ id: 'twice', nick: 'x', text: 'again', room: 'lobby' }}]) {{
                for (const event of ['chat', 'here', 'who', 'gone']) client.emit(to, event, data);
            }}
            for (const event of ['chat', 'private', 'here', 'toString', '__proto__']) client.emit('everyone', event, '{HOSTILE}');
            client.emit(to, 'chat', {{ id: id(), nick: 'Eve', text: 'the end', room: 'lobby', over: '{HOSTILE}' }});
            await client.request();
            await client.close();
            await bench.close();
        }})"
    );
    cy.run(&forged).await.unwrap();
    for page in [&ada, &bob, &cy] {
        until_heard(page, 3).await;
        let texts = heard(page).await;
        assert_eq!(texts[0], HOSTILE);
        assert_eq!(texts[1], "t".repeat(500));
        assert_eq!(texts[2], "the end");
        let markup: u32 = page
            .eval("document.querySelectorAll('main img, main b b, .name b, #log script').length")
            .await
            .unwrap();
        assert_eq!(markup, 0);
        let shown: String = page
            .eval("document.querySelector('#log .name').textContent")
            .await
            .unwrap();
        assert_eq!(shown, "<b>A</b>");
    }

    // Ada writes to Bob alone, by his session's id.
    let id = bob.text("#session").await.unwrap();
    let button = format!("#people button[aria-label=\"Write privately to Bob, {id}\"]");
    let there = format!("document.querySelector('{button}')");
    ada.wait_for_within(PATIENCE, &there).await.unwrap();
    ada.click(&button).await.unwrap();
    write(&ada, "between us").await;
    let unread = "document.querySelector('#conversations .unread')?.textContent === '1'";
    bob.wait_for_within(PATIENCE, unread).await.unwrap();
    bob.click("#conversations li:nth-child(2) > button")
        .await
        .unwrap();
    until_heard(&bob, 1).await;
    assert_eq!(heard(&bob).await, ["between us"]);
    write(&bob, "so it is").await;
    until_heard(&ada, 2).await;
    assert_eq!(heard(&ada).await, ["between us", "so it is"]);
    // A marker in the room: Cy has heard what there was for Cy.
    ada.click("#conversations li:first-child > button")
        .await
        .unwrap();
    write(&ada, "marker").await;
    until_heard(&cy, 4).await;
    let conversations: u32 = cy
        .eval("document.querySelectorAll('#conversations li').length")
        .await
        .unwrap();
    assert_eq!(conversations, 1);

    // A room of one's own, by the keyboard alone.
    ada.run("document.querySelector('#room').focus()")
        .await
        .unwrap();
    ada.type_text("attic").await.unwrap();
    ada.press("Enter").await.unwrap();
    ada.wait_for("document.querySelector('#title').textContent === '#attic'")
        .await
        .unwrap();
    write(&ada, "anybody?").await;
    until_heard(&ada, 1).await;
    for page in [&ada, &bob, &cy] {
        keeps_to_itself(page, &demo, &[]).await;
    }
}

#[tokio::test]
async fn the_pages_fit_and_can_be_read_and_used() {
    let demo = Demo::start();
    let browser = Browser::start().await.unwrap();
    let other = open_chat(&browser, &demo, "long-poll").await;
    name(&other, "Bob").await;
    for place in ["chat", "hello"] {
        let page = browser.open(&at(&demo, place), DESK).await.unwrap();
        let open = format!("document.documentElement.dataset.{place} === 'open'");
        page.wait_for_within(PATIENCE, &open).await.unwrap();
        if place == "chat" {
            name(&page, "Ada").await;
            write(&page, "Does it arrive?").await;
            write(&other, "It does, and I only poll.").await;
            write(
                &other,
                &"A long line without a break: ".replace(' ', "_").repeat(8),
            )
            .await;
            until_heard(&page, 3).await;
            page.wait_for_within(
                PATIENCE,
                "document.querySelectorAll('#people li').length === 2",
            )
            .await
            .unwrap();
            page.click("#people li button").await.unwrap();
            write(&page, "Privately.").await;
            page.click("#conversations li:first-child > button")
                .await
                .unwrap();
            page.click("#cable").await.unwrap();
            page.wait_for_within(PATIENCE, "document.documentElement.dataset.chat !== 'open'")
                .await
                .unwrap();
            write(&page, "This waits until the cable is whole.").await;
        } else {
            write(&page, "HELLO").await;
        }
        page.click("#code summary").await.unwrap();
        page.wait_for_within(
            PATIENCE,
            "document.querySelector('#code code').textContent.includes('class WebSocketClient')",
        )
        .await
        .unwrap();
        looks::of(&page, place).await;
        keeps_to_itself(&page, &demo, &CUT).await;
    }
}

/// The address of a page.
fn at(demo: &Demo, page: &str) -> String {
    format!("{}{page}", demo.url)
}

async fn open_hello(browser: &Browser, demo: &Demo) -> Page {
    let page = browser.open(&at(demo, "hello"), DESK).await.unwrap();
    let open = "document.documentElement.dataset.hello === 'open'";
    page.wait_for_within(PATIENCE, open).await.unwrap();
    page
}

async fn open_chat(browser: &Browser, demo: &Demo, over: &str) -> Page {
    let place = at(demo, &format!("chat?over={over}"));
    let page = browser.open(&place, DESK).await.unwrap();
    let open = "document.documentElement.dataset.chat === 'open'";
    page.wait_for_within(PATIENCE, open).await.unwrap();
    page
}

/// Chooses a transport, as a person does; and waits until it is there.
async fn use_transport(page: &Page, name: &str, which: &str) {
    choose(page, name).await;
    let open = format!("document.documentElement.dataset.{which} === 'open'");
    page.wait_for_within(PATIENCE, &open).await.unwrap();
}

async fn choose(page: &Page, name: &str) {
    let script = format!(
        "transport.value = '{name}', transport.dispatchEvent(new Event('change', {{ bubbles: true }}))"
    );
    page.run(&script).await.unwrap();
    // The change begins by fetching the module.
    let begun =
        format!("document.querySelector('[data-transport]').dataset.transport === '{name}'");
    page.wait_for_within(PATIENCE, &begun).await.unwrap();
}

/// Gives oneself a name.
async fn name(page: &Page, nick: &str) {
    page.run("nick.focus(), nick.select()").await.unwrap();
    page.type_text(nick).await.unwrap();
    page.press("Tab").await.unwrap();
}

async fn write(page: &Page, text: &str) {
    page.run("document.querySelector('#text').focus()")
        .await
        .unwrap();
    page.type_text(text).await.unwrap();
    page.press("Enter").await.unwrap();
}

async fn heard(page: &Page) -> Vec<String> {
    let texts = "[...document.querySelectorAll('#log .text')].map((one) => one.textContent)";
    page.eval(texts).await.unwrap()
}

async fn until_heard(page: &Page, count: usize) {
    let is = format!("document.querySelectorAll('#log .text').length >= {count}");
    let come = page.wait_for_within(PATIENCE, &is).await;
    let heard = heard(page).await;
    assert!(come.is_ok() && heard.len() == count, "{count}: {heard:?}");
}

async fn until_all_heard<P: std::borrow::Borrow<Page>>(pages: &[P], count: usize) {
    for page in pages {
        until_heard(page.borrow(), count).await;
    }
}

/// Only `expected` is complained of, and nobody but the lab was asked.
async fn keeps_to_itself(page: &Page, demo: &Demo, expected: &[&str]) {
    for complaint in page.complaints().await.unwrap() {
        let is_expected = expected.iter().any(|part| complaint.contains(part));
        assert!(is_expected, "{complaint}");
    }
    for request in page.requests().await.unwrap() {
        let url = request.url;
        let is_local = url.starts_with(demo.origin())
            || url.starts_with("http://127.0.0.1:")
            || url.starts_with("ws://127.0.0.1:");
        assert!(is_local || request.inline, "{url}");
    }
}
