//! The rig itself: pages that are wrong in a known way are reported, pages that are right are not, and nothing is left behind.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use browser::{Browser, BrowserError, Page, Theme, Viewport};
use tempfile::TempDir;

const DESK: Viewport = Viewport::wide(1280, Theme::Light);

/// A page in a file of its own.
struct Sheet {
    folder: TempDir,
}

impl Sheet {
    fn new(body: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let html = format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
             <title>t</title><body>{body}"
        );
        std::fs::write(folder.path().join("a page.html"), html).unwrap();
        Self { folder }
    }

    fn path(&self) -> String {
        let path = self.folder.path().join("a page.html");
        path.to_str().unwrap().to_owned()
    }
}

async fn urls(page: &Page) -> Vec<String> {
    let requests = page.requests().await.unwrap();
    requests.into_iter().map(|request| request.url).collect()
}

#[tokio::test]
async fn requests_and_complaints_are_reported() {
    let sheet = Sheet::new(
        "<style>@font-face { font-family: own; src: url(data:font/woff2;base64,AAAA) } p { font-family: own }</style>\
         <p>text</p><img alt='' src='http://127.0.0.1:1/x.png'>\
         <script>console.log('fine'); console.warn('hm', 2); console.error('oh'); setTimeout(() => { throw Error('late') })</script>",
    );
    let browser = Browser::start().await.unwrap();
    let page = browser.open(&sheet.path(), DESK).await.unwrap();
    page.wait_for("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
        .await
        .unwrap();
    let requests = page.requests().await.unwrap();
    let marks: Vec<_> = requests
        .iter()
        .map(|one| (one.document, one.inline))
        .collect();
    assert_eq!(
        marks,
        [(true, false), (false, false), (false, true)],
        "{requests:?}"
    );
    assert!(
        requests[0].url.starts_with("file:///") && requests[0].url.ends_with("/a%20page.html"),
        "{requests:?}"
    );
    assert_eq!(requests[1].url, "http://127.0.0.1:1/x.png");

    page.run("fetch('http://127.0.0.1:1/later').catch(() => {})")
        .await
        .unwrap();
    assert_eq!(
        urls(&page).await.last().unwrap(),
        "http://127.0.0.1:1/later"
    );
    let complaints = page.complaints().await.unwrap().join("\n");
    for complaint in [
        "console warning: hm 2",
        "console error: oh",
        "uncaught: Error: late",
        "ERR_UNSAFE_PORT (http://127.0.0.1:1/x.png)",
    ] {
        assert!(complaints.contains(complaint), "{complaint}: {complaints}");
    }
    assert!(!complaints.contains("fine"), "{complaints}");
}

#[tokio::test]
async fn offline_only_files_are_there() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    let sheet = Sheet::new(&format!("<h1>here</h1><img alt='' src='{url}x.png'>"));
    let browser = Browser::start().await.unwrap();
    let page = browser.page(DESK).await.unwrap();
    page.go_offline().await.unwrap();
    page.goto(&sheet.path()).await.unwrap();
    assert_eq!(page.text("h1").await.unwrap(), "here");
    assert_eq!(urls(&page).await.len(), 2);
    let complaints = page.complaints().await.unwrap();
    assert!(
        complaints.len() == 1 && complaints[0].contains("ERR_INTERNET_DISCONNECTED"),
        "{complaints:?}"
    );
    server.set_nonblocking(true).unwrap();
    assert!(server.accept().is_err(), "nobody was asked");
    let error = page.goto(&url).await.unwrap_err();
    assert!(matches!(error, BrowserError::Load { .. }), "{error}");
}

#[tokio::test]
async fn mouse_and_keyboard_are_real() {
    let sheet = Sheet::new(
        "<h1>top</h1><div style='height:3000px'></div>\
         <div id=area style='width:200px;height:100px' onmousemove='seen = [event.offsetX, event.offsetY]; trusted = event.isTrusted'></div>\
         <button id=go onclick='this.textContent = \"gone\"'>go</button>\
         <div style='position:relative'><button id=under>u</button><div id=lid style='position:absolute;inset:0'></div></div>\
         <input id=field aria-label=field onkeydown='keys.push(event.key)'><div style='height:3000px'></div>\
         <script>keys = []; seen = null</script>",
    );
    let browser = Browser::start().await.unwrap();
    let page = browser.open(&sheet.path(), DESK).await.unwrap();
    page.hover("#area", 0.25, 0.5).await.unwrap();
    assert_eq!(page.eval::<[u32; 2]>("seen").await.unwrap(), [50, 50]);
    assert!(page.eval::<bool>("trusted").await.unwrap());
    assert!(
        page.eval::<bool>("document.querySelector('#area').matches(':hover')")
            .await
            .unwrap()
    );
    page.hover("h1", 0.5, 0.5).await.unwrap();
    assert!(
        !page
            .eval::<bool>("document.querySelector('#area').matches(':hover')")
            .await
            .unwrap()
    );

    page.click("#go").await.unwrap();
    assert_eq!(page.text("#go").await.unwrap(), "gone");
    let error = page.click("#under").await.unwrap_err().to_string();
    assert!(
        error.contains("`#under` is covered by <div id=\"lid\""),
        "{error}"
    );
    let error = page.click("#none").await.unwrap_err().to_string();
    assert_eq!(error, "`#none` is not on the page");

    page.click("#field").await.unwrap();
    for key in ["a", "ArrowLeft", "B", "Escape"] {
        page.press(key).await.unwrap();
    }
    assert_eq!(
        page.eval::<Vec<String>>("keys").await.unwrap(),
        ["a", "ArrowLeft", "B", "Escape"]
    );
    assert_eq!(page.eval::<String>("field.value").await.unwrap(), "Ba");
    assert!(matches!(
        page.press("Anykey").await,
        Err(BrowserError::Key(_))
    ));
}

#[tokio::test]
async fn texts_are_typed_and_pages_loaded_anew() {
    let sheet = Sheet::new("<input id=field aria-label=field>");
    let browser = Browser::start().await.unwrap();
    let page = browser.open(&sheet.path(), DESK).await.unwrap();
    page.click("#field").await.unwrap();
    page.type_text("Grüße, 1 ('b.c')!").await.unwrap();
    page.press("Backspace").await.unwrap();
    page.press("Home").await.unwrap();
    page.press("Delete").await.unwrap();
    assert_eq!(
        page.eval::<String>("field.value").await.unwrap(),
        "rüße, 1 ('b.c')"
    );
    page.reload().await.unwrap();
    assert_eq!(page.eval::<String>("field.value").await.unwrap(), "");
    assert_eq!(
        page.eval::<String>("performance.getEntriesByType('navigation')[0].type")
            .await
            .unwrap(),
        "reload"
    );
    page.run("setTimeout(() => { late = true }, 5500), late = false")
        .await
        .unwrap();
    page.wait_for_within(Duration::from_secs(60), "late")
        .await
        .unwrap();
    let error = page
        .wait_for_within(Duration::from_millis(20), "!late")
        .await
        .unwrap_err();
    assert!(matches!(error, BrowserError::Late { .. }), "{error}");
}

#[tokio::test]
async fn scripts_answer_and_throw() {
    let sheet = Sheet::new("<p id=p>one</p>");
    let browser = Browser::start().await.unwrap();
    let page = browser.open(&sheet.path(), DESK).await.unwrap();
    assert_eq!(
        page.eval::<u32>("Promise.resolve(6 * 7)").await.unwrap(),
        42
    );
    let error = page.eval::<u32>("nonsense").await.unwrap_err().to_string();
    assert!(error.contains("nonsense is not defined"), "{error}");
    page.run("setTimeout(() => { p.textContent = 'two' }, 50)")
        .await
        .unwrap();
    page.wait_for("p.textContent == 'two'").await.unwrap();
    assert!(matches!(
        page.wait_for("nonsense").await,
        Err(BrowserError::Script(_))
    ));
    assert_eq!(page.complaints().await.unwrap(), [""; 0]);
    assert_eq!(urls(&page).await.len(), 1);
}

#[tokio::test]
async fn a_page_is_seen_as_asked() {
    let sheet = Sheet::new("<div style='height:2345px'>tall</div>");
    let browser = Browser::start().await.unwrap();
    let dark = "matchMedia('(prefers-color-scheme: dark)').matches";
    for viewport in [
        Viewport::phone(360, Theme::Dark),
        Viewport::wide(1920, Theme::Light),
    ] {
        let page = browser.open(&sheet.path(), viewport).await.unwrap();
        assert_eq!(
            page.eval::<u32>("innerWidth").await.unwrap(),
            viewport.width
        );
        assert_eq!(
            page.eval::<bool>(dark).await.unwrap(),
            viewport.theme == Theme::Dark
        );
        page.set_theme(Theme::Dark).await.unwrap();
        assert!(page.eval::<bool>(dark).await.unwrap());
        assert_eq!(
            page.eval::<bool>("matchMedia('(pointer: coarse)').matches")
                .await
                .unwrap(),
            viewport.phone
        );
        // Another page has another storage.
        assert!(
            page.eval::<bool>("!localStorage.seen && (localStorage.seen = '1', true)")
                .await
                .unwrap()
        );

        let path = sheet.folder.path().join("new/folder/picture.png");
        page.screenshot(&path).await.unwrap();
        let picture = std::fs::read(&path).unwrap();
        assert_eq!(&picture[..8], b"\x89PNG\r\n\x1a\n");
        let number = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
        let (width, height) = (number(16), number(20));
        assert!(
            width <= viewport.width && width + 20 >= viewport.width,
            "{width}"
        );
        assert!(height >= 2345, "{height}");
    }
}

#[tokio::test]
async fn faults_of_a_page_are_found() {
    let browser = Browser::start().await.unwrap();
    let bad = Sheet::new(
        "<main><h1>t</h1><p class=pale style='color:#999;background:#fff'>pale</p>\
         <p style='color:#999;font-size:24px;opacity:.9'>pale and large</p>\
         <p style='color:#777;background:#fff'>nearly</p>\
         <svg width=100 height=40 role=img aria-label=s><rect width=100 height=40 fill='#333' /><text y=20 class=drawn fill='#444'>drawn</text></svg>\
         <div id=wide style='width:2000px'>wide</div><button></button><img src='data:image/svg+xml,<svg/>'></main>",
    );
    let page = browser.open(&bad.path(), DESK).await.unwrap();
    let low = page.low_contrast().await.unwrap();
    let low: Vec<_> = low
        .iter()
        .map(|one| (one.text.as_str(), one.ratio, one.needed))
        .collect();
    assert_eq!(
        low,
        [
            ("p.pale: pale", 2.85, 4.5),
            ("p: pale and large", 2.52, 3.0),
            ("p: nearly", 4.48, 4.5),
            ("text.drawn: drawn", 1.3, 4.5),
        ]
    );
    let overflow = page.overflow().await.unwrap().join("\n");
    assert!(
        overflow.contains("px wide in a view of") && overflow.contains("<div id=\"wide\""),
        "{overflow}"
    );
    assert_eq!(page.unnamed().await.unwrap(), ["<button></button>"]);
    let axe = page.axe().await.unwrap().join("\n");
    for rule in ["button-name", "image-alt"] {
        assert!(axe.contains(rule), "{rule}: {axe}");
    }

    let good = Sheet::new(
        "<main><h1>t</h1><p style='color:#767676;background:#fff'>enough</p><button>b</button>\
         <a href='#x'>link</a><details><summary>s</summary><p id=x style='color:#fefefe'>hidden</p></details>\
         <svg width=100 height=40 role=img aria-label=s><rect width=100 height=40 fill='#333' /><text y=20 fill='#eee'>drawn</text></svg>\
         <div style='overflow:auto' tabindex=0 role=region aria-label=table><div style='width:2000px'>contained</div></div></main>",
    );
    let page = browser.open(&good.path(), DESK).await.unwrap();
    assert_eq!(page.low_contrast().await.unwrap(), []);
    assert_eq!(page.overflow().await.unwrap(), [""; 0]);
    assert_eq!(page.unnamed().await.unwrap(), [""; 0]);
    assert_eq!(page.axe().await.unwrap(), [""; 0]);
    let pdf = page.print().await.unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
}

#[tokio::test]
async fn nothing_is_left_of_a_dropped_browser() {
    let browser = Browser::start().await.unwrap();
    let page = browser.open("about:blank", DESK).await.unwrap();
    let home = browser.home().to_owned();
    assert!(home.exists() && !processes(&home).is_empty());
    drop(browser);
    assert!(!home.exists());
    until_no_process(&home);
    let error = page.eval::<u32>("1").await.unwrap_err();
    assert!(matches!(error, BrowserError::Gone(_)), "{error}");
}

#[test]
fn nothing_is_left_of_a_killed_test() {
    let mut test = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "waits_to_be_killed", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(test.stdout.take().unwrap()).lines();
    let home = lines
        .map(Result::unwrap)
        .find_map(|line| line.strip_prefix("home: ").map(PathBuf::from));
    let home = home.expect("it says where");
    assert!(home.exists() && !processes(&home).is_empty());
    test.kill().unwrap();
    test.wait().unwrap();
    until_no_process(&home);
    until("the profile is removed", || !home.exists());
}

#[tokio::test]
#[ignore = "a part of the test above"]
async fn waits_to_be_killed() {
    let browser = Browser::start().await.unwrap();
    println!("home: {}", browser.home().display());
    std::future::pending::<()>().await;
}

/// Processes that have the folder in their command lines.
fn processes(home: &Path) -> Vec<String> {
    let home = home.to_str().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap();
    let lines = entries.filter_map(|entry| {
        let line = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    });
    lines.filter(|line| line.contains(home)).collect()
}

fn until_no_process(home: &Path) {
    until("no process is left", || processes(home).is_empty());
}

fn until(what: &str, is: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(Instant::now() < deadline, "{what}: never");
        std::thread::sleep(Duration::from_millis(5));
    }
}
