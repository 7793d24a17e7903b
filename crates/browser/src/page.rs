//! A page: where it goes, what it is asked, how it looks.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::browser::{Theme, Viewport};
use crate::error::BrowserError;
use crate::notebook::{Notebook, Request, thrown};
use crate::wire::{PATIENCE, Wire};

/// A tab of its own; closed when dropped.
pub struct Page {
    wire: Arc<Wire>,
    /// The session that commands and events of this page carry.
    session: String,
    /// What it shares with no other page: cookies, storage, cache.
    context: String,
    notebook: Arc<Notebook>,
}

/// How long a condition may take to become true. Pages are local: a second is already much.
const SOON: Duration = Duration::from_secs(5);

const EVALUATE: &str = "Runtime.evaluate";

impl Page {
    pub(crate) async fn new(wire: Arc<Wire>, viewport: Viewport) -> Result<Self, BrowserError> {
        let method = "Target.createBrowserContext";
        let context = wire.call(None, method, &json!({})).await?;
        let context = word(method, &context["browserContextId"])?;
        let method = "Target.createTarget";
        let blank = json!({ "url": "about:blank", "browserContextId": context });
        let target = wire.call(None, method, &blank).await?;
        let method = "Target.attachToTarget";
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = wire.call(None, method, &attach).await?;
        let page = Self {
            session: word(method, &session["sessionId"])?,
            wire,
            context,
            notebook: Arc::default(),
        };
        page.wire.note(&page.session, page.notebook.clone());
        page.set_up(viewport).await?;
        Ok(page)
    }

    /// Goes to a URL, or to a file by its path, and waits until it is loaded with everything in it.
    ///
    /// # Errors
    /// It can't be loaded.
    pub async fn goto(&self, place: &str) -> Result<(), BrowserError> {
        let url = url(place)?;
        let answer = self.call("Page.navigate", &json!({ "url": url })).await?;
        if let Some(reason) = answer["errorText"].as_str() {
            let reason = reason.to_owned();
            return Err(BrowserError::Load { url, reason });
        }
        let document = word("Page.navigate", &answer["loaderId"])?;
        let loaded = timeout(PATIENCE, self.notebook.loaded(&document)).await;
        loaded.map_err(|_| BrowserError::Late {
            what: format!("{url} loaded"),
            after: PATIENCE,
        })
    }

    /// Loads the page anew, as a person who presses F5, and waits until it is loaded with everything in it.
    ///
    /// # Errors
    /// It isn't loaded in time.
    pub async fn reload(&self) -> Result<(), BrowserError> {
        let before = self.document().await?;
        self.call("Page.reload", &json!({})).await?;
        let loaded = timeout(PATIENCE, async {
            // The answer may come before there is a new document.
            loop {
                let now = self.document().await?;
                if now != before {
                    self.notebook.loaded(&now).await;
                    return Ok(());
                }
                sleep(Duration::from_millis(5)).await;
            }
        });
        loaded.await.unwrap_or_else(|_| {
            Err(BrowserError::Late {
                what: "the page loaded anew".into(),
                after: PATIENCE,
            })
        })
    }

    /// From now on there is no network. Files are still there.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn go_offline(&self) -> Result<(), BrowserError> {
        let cut = json!({ "offline": true, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.call("Network.emulateNetworkConditions", &cut).await?;
        Ok(())
    }

    /// Every URL that the page asked for so far, in order: itself first.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn requests(&self) -> Result<Vec<Request>, BrowserError> {
        self.catch_up().await?;
        Ok(self.notebook.requests())
    }

    /// Warnings and errors of its console, exceptions that it didn't catch, what failed to load.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn complaints(&self) -> Result<Vec<String>, BrowserError> {
        self.catch_up().await?;
        Ok(self.notebook.complaints())
    }

    /// The value of an expression, once its promise is kept if it is one.
    ///
    /// # Errors
    /// It throws, or its value is another type's.
    pub async fn eval<T: DeserializeOwned>(&self, script: &str) -> Result<T, BrowserError> {
        let value = self.evaluate(script).await?;
        serde_json::from_value(value).map_err(|source| BrowserError::Answer {
            method: EVALUATE,
            source,
        })
    }

    /// Runs a script whose value, if it has one, doesn't matter.
    ///
    /// # Errors
    /// It throws.
    pub async fn run(&self, script: &str) -> Result<(), BrowserError> {
        self.evaluate(script).await?;
        Ok(())
    }

    /// Waits until an expression is true.
    ///
    /// # Errors
    /// It isn't within five seconds, or it throws.
    pub async fn wait_for(&self, condition: &str) -> Result<(), BrowserError> {
        self.wait_for_within(SOON, condition).await
    }

    /// Waits until an expression is true, for as long as it may take.
    ///
    /// # Errors
    /// It isn't within that time, or it throws.
    pub async fn wait_for_within(
        &self,
        patience: Duration,
        condition: &str,
    ) -> Result<(), BrowserError> {
        let end = Instant::now() + patience;
        loop {
            // A call that gets no answer for long fails, so a long wait is made of short ones.
            let left = end.saturating_duration_since(Instant::now());
            if self.look_for(left.min(SOON), condition).await? {
                return Ok(());
            }
            if left <= SOON {
                return Err(BrowserError::Late {
                    what: condition.into(),
                    after: patience,
                });
            }
        }
    }

    /// Whether an expression becomes true in so much time.
    async fn look_for(&self, patience: Duration, condition: &str) -> Result<bool, BrowserError> {
        let script = format!(
            "new Promise((resolve, reject) => {{
                const end = performance.now() + {};
                const look = () => {{
                    try {{
                        if ({condition}) resolve(true);
                        else if (performance.now() > end) resolve(false);
                        else setTimeout(look, 5);
                    }} catch (error) {{ reject(error); }}
                }};
                look();
            }})",
            patience.as_millis()
        );
        self.eval(&script).await
    }

    /// The text of an element, as a person sees it.
    ///
    /// # Errors
    /// There is no such element.
    pub async fn text(&self, selector: &str) -> Result<String, BrowserError> {
        let script = format!(
            "(element => element && (element.innerText ?? element.textContent).trim())(document.querySelector({}))",
            quoted(selector)
        );
        let text: Option<String> = self.eval(&script).await?;
        text.ok_or_else(|| BrowserError::Element {
            selector: selector.into(),
            problem: "is not on the page".into(),
        })
    }

    /// What it is looked at with from now on. A page that is there already is laid out anew and not loaded anew.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn set_viewport(&self, viewport: Viewport) -> Result<(), BrowserError> {
        let screen = json!({
            "width": viewport.width, "height": viewport.height, "mobile": viewport.phone,
            "deviceScaleFactor": 1,
        });
        self.call("Emulation.setDeviceMetricsOverride", &screen)
            .await?;
        let touch = json!({ "enabled": viewport.phone });
        self.call("Emulation.setTouchEmulationEnabled", &touch)
            .await?;
        self.set_theme(viewport.theme).await
    }

    /// What `prefers-color-scheme` says from now on.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn set_theme(&self, theme: Theme) -> Result<(), BrowserError> {
        let feature = json!({ "name": "prefers-color-scheme", "value": theme.to_string() });
        let params = json!({ "features": [feature] });
        self.call("Emulation.setEmulatedMedia", &params).await?;
        Ok(())
    }

    /// A picture of the whole page, from top to bottom, as a PNG file. Folders on the way are made.
    ///
    /// # Errors
    /// The file can't be written.
    pub async fn screenshot(&self, path: &Path) -> Result<(), BrowserError> {
        let metrics = self.call("Page.getLayoutMetrics", &json!({})).await?;
        let size = &metrics["cssContentSize"];
        let clip =
            json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let method = "Page.captureScreenshot";
        let params =
            json!({ "clip": clip, "captureBeyondViewport": true, "optimizeForSpeed": true });
        let answer = self.call(method, &params).await?;
        let picture = binary(method, &answer["data"])?;
        let failed = || BrowserError::io(path.display().to_string());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed())?;
        }
        std::fs::write(path, picture).map_err(failed())
    }

    /// The page on paper: a PDF file's bytes.
    ///
    /// # Errors
    /// It can't be printed.
    pub async fn print(&self) -> Result<Vec<u8>, BrowserError> {
        let method = "Page.printToPDF";
        let answer = self.call(method, &json!({})).await?;
        binary(method, &answer["data"])
    }

    /// A command of the protocol, for this page.
    pub(crate) async fn call(
        &self,
        method: &'static str,
        params: &Value,
    ) -> Result<Value, BrowserError> {
        self.wire.call(Some(&self.session), method, params).await
    }

    async fn set_up(&self, viewport: Viewport) -> Result<(), BrowserError> {
        for domain in [
            "Page.enable",
            "Network.enable",
            "Runtime.enable",
            "Log.enable",
            "Inspector.enable",
        ] {
            self.call(domain, &json!({})).await?;
        }
        let on = json!({ "enabled": true });
        self.call("Page.setLifecycleEventsEnabled", &on).await?;
        // Several pages are open at once and each is used as if it were the one in front.
        self.call("Emulation.setFocusEmulationEnabled", &on).await?;
        self.set_viewport(viewport).await
    }

    async fn evaluate(&self, script: &str) -> Result<Value, BrowserError> {
        let params = json!({
            "expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true,
        });
        let mut answer = self.call(EVALUATE, &params).await?;
        if answer["exceptionDetails"].is_object() {
            return Err(BrowserError::Script(thrown(&answer["exceptionDetails"])));
        }
        Ok(answer["result"]["value"].take())
    }

    /// The loader id of the document that it shows.
    async fn document(&self) -> Result<String, BrowserError> {
        let method = "Page.getFrameTree";
        let tree = self.call(method, &json!({})).await?;
        word(method, &tree["frameTree"]["frame"]["loaderId"])
    }

    /// Events come in the order in which they happened, so after an answer all earlier ones are noted.
    async fn catch_up(&self) -> Result<(), BrowserError> {
        self.run("0").await
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.wire.forget(&self.session);
        let context = json!({ "browserContextId": self.context });
        drop(
            self.wire
                .send(None, "Target.disposeBrowserContext", &context),
        );
    }
}

/// A JavaScript string literal.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A string that the protocol promises.
fn word(method: &'static str, value: &Value) -> Result<String, BrowserError> {
    let word = serde_json::from_value(value.clone());
    word.map_err(|source| BrowserError::Answer { method, source })
}

fn binary(method: &'static str, value: &Value) -> Result<Vec<u8>, BrowserError> {
    let bytes = BASE64_STANDARD.decode(word(method, value)?);
    bytes.map_err(|error| BrowserError::Refused {
        method,
        message: error.to_string(),
    })
}

/// A URL as it is; a path becomes one.
fn url(place: &str) -> Result<String, BrowserError> {
    if place.contains("://") || place.starts_with("data:") || place.starts_with("about:") {
        return Ok(place.to_owned());
    }
    let path = std::path::absolute(place).map_err(BrowserError::io(place))?;
    let mut url = String::from("file://");
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            url.push(byte.into());
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_url() {
        assert_eq!(url("/a b/c#1.html").unwrap(), "file:///a%20b/c%231.html");
        assert_eq!(url("http://[::1]:1/").unwrap(), "http://[::1]:1/");
    }
}
