//! Pages, modules and facts as they are served, and who is let in.

use serde_json::Value;

use crate::rig::{Demo, Socket};

#[test]
fn lessons_are_listed_and_each_has_a_page_and_facts() {
    let demo = Demo::start();
    let lessons = demo.get("/lessons.json");
    assert_eq!(lessons.header("content-type"), Some("application/json"));
    let lessons = lessons.json();
    let lessons = lessons.as_array().unwrap();
    assert!(!lessons.is_empty());
    let first = demo.get("/");
    for lesson in lessons {
        let url = lesson["url"].as_str().unwrap();
        assert_eq!(url, format!("/lessons/{}", lesson["id"].as_str().unwrap()));
        assert!(first.body.contains(&format!("href=\"{url}\"")), "{url}");
        let page = demo.get(url);
        assert_eq!(page.status, 200, "{url}");
        let facts = demo.get(&format!("{url}/facts.json"));
        assert_eq!(facts.status, 200, "{url}");
        assert!(!facts.json().is_null());
    }
}

#[test]
fn each_transport_of_pages_has_a_module() {
    let demo = Demo::start();
    let bench = demo.post("/benches", "{}").json();
    let transports = bench["transports"].as_array().unwrap();
    assert!(transports.len() >= 4, "{transports:?}");
    for transport in transports {
        let module = demo.get(transport["module"].as_str().unwrap());
        assert_eq!(module.status, 200, "{transport}");
        assert_eq!(
            module.header("content-type"),
            Some("text/javascript; charset=utf-8")
        );
    }
    assert!(!bench.to_string().contains("tcp"));
    for (name, _) in transport::BROWSER {
        assert_eq!(demo.get(&format!("/modules/{name}.js")).status, 200);
    }
}

#[test]
fn browsers_are_told_what_to_forbid() {
    let demo = Demo::start();
    for path in ["/", "/assets/lib/bench.js", "/lessons.json", "/nowhere"] {
        let answer = demo.get(path);
        let policy = answer.header("content-security-policy").unwrap();
        for part in [
            "default-src 'self'",
            "connect-src 'self' http://127.0.0.1:* ws://127.0.0.1:*",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}: {name}");
        }
        let (port, body) = (demo.address().port(), &answer.body);
        assert!(
            !body.contains("<script>") && !body.contains("style=\""),
            "{path} at {port}: scripts and styles are files"
        );
    }
}

#[test]
fn what_isnt_there_is_a_page_that_says_so() {
    let demo = Demo::start();
    for path in [
        "/nowhere",
        "/lessons/0",
        "/lessons/1/nothing",
        "/assets/no.js",
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/pages/index.html",
        "/course/no",
        "/course/..",
        "/modules/tcp.js",
        "/modules/inproc.js",
    ] {
        let answer = demo.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("<main"), "{path}: {}", answer.body);
    }
    assert_eq!(demo.get("/benches/x/watch").status, 404);
    assert_eq!(demo.post("/", "").status, 405);
    assert_eq!(demo.get("/benches").status, 405);
    assert_eq!(demo.get("/healthz").status, 200);
}

#[test]
fn other_origins_and_names_are_kept_out() {
    let demo = Demo::start();
    let port = demo.address().port();
    let own = demo.origin().to_owned();
    let ask = |extra: &str| {
        let head = format!("GET / HTTP/1.1\r\n{extra}\r\n");
        demo.request(&head).status
    };
    assert_eq!(ask(&format!("Host: HOST\r\nOrigin: {own}")), 200);
    assert_eq!(ask("Host: HOST\r\nOrigin: http://evil.example"), 403);
    assert_eq!(ask("Host: HOST\r\nOrigin: null"), 403);
    assert_eq!(ask(&format!("Host: evil.example:{port}")), 403);
    assert_eq!(ask(&format!("Host: localhost:{port}")), 200);
    let made = demo.request(
        "POST /benches HTTP/1.1\r\nHost: HOST\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!(made.status, 403);

    let bench = demo.post("/benches", "").json();
    let watch = format!("/benches/{}/watch", bench["bench"].as_str().unwrap());
    let open = |origin: &str| Socket::open(demo.address(), &watch, Some(origin));
    assert_eq!(open("http://evil.example").err(), Some(403));
    assert!(open(&own).is_ok());
}

#[test]
fn servers_let_in_pages_of_the_demo_alone() {
    let demo = Demo::start_with(&["--allow-origin", "http://page.example"]);
    let bench = demo.bench(&Value::Object(serde_json::Map::new()));
    let port = demo.address().port();
    let (websocket, path) = bench.place("websocket");
    let (poll, _) = bench.place("long-poll");
    for (origin, is_let_in) in [
        (format!("http://127.0.0.1:{port}"), true),
        (format!("http://localhost:{port}"), true),
        (format!("http://[::1]:{port}"), true),
        ("http://page.example".to_owned(), true),
        ("http://evil.example".to_owned(), false),
        ("http://127.0.0.1:1".to_owned(), false),
        (format!("https://127.0.0.1:{port}"), false),
        ("null".to_owned(), false),
    ] {
        let opened = Socket::open(websocket, &path, Some(&origin));
        assert_eq!(opened.is_ok(), is_let_in, "{origin}");
        let session = crate::rig::http(
            poll,
            &format!(
                "POST /session HTTP/1.1\r\nHost: {poll}\r\nOrigin: {origin}\r\nContent-Length: 0\r\n\r\n"
            ),
        );
        let expected = if is_let_in { 201 } else { 403 };
        assert_eq!(session.status, expected, "{origin}");
        let allowed = session.header("access-control-allow-origin");
        assert_eq!(allowed, is_let_in.then_some(origin.as_str()));
    }
}

#[test]
fn the_printed_headers_are_replayed() {
    let demo = Demo::start();
    let replay = demo.post("/replays/quantum-leap", "").json();
    assert_eq!(
        (&replay["heads"], &replay["printed"]),
        (&909.0.into(), &871.0.into())
    );
    assert!(replay["poll_ip"].as_f64().unwrap() > 1000.0, "{replay}");
}
