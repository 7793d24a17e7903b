//! `peer.toml`: text to a [`Peer`], strictly.
//!
//! A field that is unknown, missing or of the wrong type, a protocol that the lab doesn't speak, a URL that this protocol has no use for: each is
//! an error with file, line and column that says what would be right.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Error, anyhow};
use scenario::Kind;
use serde::Deserialize;
use toml::Spanned;

use super::{Arm, FILE, Install, Peer, Route};
use crate::registry;

/// Most bytes of a description.
const MOST_BYTES: u64 = 256 << 10;

/// Where host and port go in a URL.
pub(super) const ADDRESS: &str = "{address}";

/// Most letters of an arm's name.
const MOST_NAME: usize = 40;

/// A program and its arguments.
type Words = Spanned<Vec<String>>;

/// Reads the peer in `folder`.
///
/// # Errors
/// The file can't be read, or the first thing in it that is wrong.
pub(super) fn read(folder: &Path, target: &Path) -> Result<Peer, Error> {
    let path = folder.join(FILE);
    let shown = path.display().to_string();
    let size = fs::metadata(&path).with_context(|| format!("can't read {shown}"))?;
    if size.len() > MOST_BYTES {
        return Err(anyhow!("{shown}: this is no peer: it is too large"));
    }
    let text = fs::read_to_string(&path).with_context(|| format!("can't read {shown}"))?;
    let place = Place {
        file: &shown,
        text: &text,
    };
    parse(place, folder, target)
}

fn parse(place: Place<'_>, folder: &Path, target: &Path) -> Result<Peer, Error> {
    let file: File = toml::from_str(place.text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        place.error(at, error.message().trim().replace('\n', "; "))
    })?;
    let line = |words: &Words, field: &str| place.line(words, field, target);
    let install = &file.install;
    let version_command = install.version_command.as_ref();
    let install = Install {
        debian: install.debian.clone(),
        commands: install
            .commands
            .iter()
            .map(|words| line(words, "commands"))
            .collect::<Result<_, _>>()?,
        creates: creates(place, &install.creates, folder, target)?,
        runs: install.runs.clone(),
        version_command: version_command
            .map(|words| line(words, "version-command"))
            .transpose()?,
    };
    for (field, text) in [
        ("title", &file.title),
        ("language", &file.language),
        ("package", &file.package),
        ("version", &file.version),
    ] {
        let is_line = !text.get_ref().trim().is_empty();
        if !is_line || text.get_ref().contains(char::is_control) {
            return Err(place.error(text.span().start, format!("`{field}` is to be one line")));
        }
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    Ok(Peer {
        name: name.into_owned(),
        folder: folder.to_owned(),
        target: target.to_owned(),
        title: file.title.into_inner(),
        language: file.language.into_inner(),
        package: file.package.into_inner(),
        registry: file.registry.name(),
        version: file.version.into_inner(),
        note: file.note,
        install,
        command: line(&file.server.command, "command")?,
        arms: arms(place, &file.arm)?,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: Spanned<String>,
    language: Spanned<String>,
    package: Spanned<String>,
    registry: Registry,
    version: Spanned<String>,
    note: Option<String>,
    install: InstallTable,
    server: ServerTable,
    arm: Vec<Spanned<ArmTable>>,
}

#[derive(Clone, Copy, Deserialize)]
enum Registry {
    #[serde(rename = "npm")]
    Npm,
    #[serde(rename = "crates.io")]
    CratesIo,
    PyPI,
    Debian,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct InstallTable {
    #[serde(default)]
    debian: Vec<String>,
    #[serde(default)]
    commands: Vec<Words>,
    creates: Spanned<String>,
    #[serde(default)]
    runs: Vec<String>,
    version_command: Option<Words>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerTable {
    command: Words,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArmTable {
    name: Spanned<String>,
    echo: Option<RouteTable>,
    broadcast: Option<RouteTable>,
    rooms: Option<RouteTable>,
    chat: Option<RouteTable>,
    private: Option<RouteTable>,
    idle: Option<RouteTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteTable {
    protocol: Spanned<String>,
    url: Spanned<String>,
}

impl Registry {
    fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::CratesIo => "crates.io",
            Self::PyPI => "PyPI",
            Self::Debian => "Debian",
        }
    }
}

/// What tells that a peer is installed.
fn creates(
    place: Place<'_>,
    field: &Spanned<String>,
    folder: &Path,
    target: &Path,
) -> Result<PathBuf, Error> {
    let text = field.get_ref();
    let (base, rest) = match text.strip_prefix("${TARGET}/") {
        Some(rest) => (target, rest),
        None => (folder, text.as_str()),
    };
    let mut parts = Path::new(rest).components();
    let is_known = |part| matches!(part, Component::Normal(_) | Component::RootDir);
    if rest.is_empty() || !parts.all(is_known) {
        let right = "`creates` is to be a path within the peer's folder or ${TARGET}, as in \"node_modules/ws/package.json\", or an absolute one";
        return Err(place.error(field.span().start, right));
    }
    Ok(base.join(rest))
}

fn arms(place: Place<'_>, tables: &[Spanned<ArmTable>]) -> Result<Vec<Arm>, Error> {
    let mut arms: Vec<Arm> = Vec::new();
    for table in tables {
        let (at, table) = (table.span().start, table.get_ref());
        let (at_name, name) = (table.name.span().start, table.name.get_ref());
        let wrong = |at: usize, what: &str| place.error(at, format!("arm \"{name}\": {what}"));
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=MOST_NAME).contains(&name.len()) || !name.bytes().all(is_plain) {
            let right =
                format!("1 to {MOST_NAME} lower-case letters, digits and hyphens are right");
            return Err(wrong(at_name, &right));
        }
        if registry::find(name).is_some() {
            let right = "a transport of the lab has that name; take another";
            return Err(wrong(at_name, right));
        }
        if arms.iter().any(|other| other.name == *name) {
            return Err(wrong(at_name, "it is there twice"));
        }
        let routes = Kind::ALL.into_iter().filter_map(|kind| {
            let route = table.of(kind)?;
            Some(route.read(place, kind).map(|route| (kind, route)))
        });
        let routes: Vec<(Kind, Route)> = routes.collect::<Result<_, _>>()?;
        if routes.is_empty() {
            let right = "it carries nothing: write, for example, echo = { protocol = \"websocket\", url = \"ws://{address}/ws\" }";
            return Err(wrong(at, right));
        }
        arms.push(Arm {
            name: name.clone(),
            routes,
        });
    }
    if arms.is_empty() {
        return Err(place.error(0, "it has no arm: write one [[arm]] a wire"));
    }
    Ok(arms)
}

impl ArmTable {
    fn of(&self, kind: Kind) -> Option<&RouteTable> {
        match kind {
            Kind::Echo => self.echo.as_ref(),
            Kind::Broadcast => self.broadcast.as_ref(),
            Kind::Rooms => self.rooms.as_ref(),
            Kind::Chat => self.chat.as_ref(),
            Kind::Private => self.private.as_ref(),
            Kind::Idle => self.idle.as_ref(),
        }
    }
}

impl RouteTable {
    fn read(&self, place: Place<'_>, kind: Kind) -> Result<Route, Error> {
        let (protocol, url) = (self.protocol.get_ref(), self.url.get_ref());
        let Some(wire) = registry::wire(protocol) else {
            let known: Vec<&str> = registry::wires().map(|wire| wire.info.name).collect();
            let right = format!(
                "protocol \"{protocol}\" is unknown: the lab speaks {}",
                known.join(", ")
            );
            return Err(place.error(self.protocol.span().start, right));
        };
        if !wire.kinds().contains(&kind) {
            let kinds: Vec<&str> = wire.kinds().into_iter().map(Kind::name).collect();
            let right = format!(
                "protocol \"{protocol}\" can't carry {}: it carries {}",
                kind.name(),
                kinds.join(", ")
            );
            return Err(place.error(self.protocol.span().start, right));
        }
        if wire.authority(url) != Some(ADDRESS) {
            let right = format!(
                "\"{url}\" is no URL for {protocol}: \"{}\" would be one",
                wire.example(ADDRESS)
            );
            return Err(place.error(self.url.span().start, right));
        }
        Ok(Route {
            wire,
            url: url.clone(),
        })
    }
}

/// The text of a file, to turn byte offsets into lines and columns.
#[derive(Clone, Copy)]
struct Place<'a> {
    file: &'a str,
    text: &'a str,
}

impl Place<'_> {
    fn error(&self, at: usize, message: impl std::fmt::Display) -> Error {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before[start..].chars().count() + 1;
        anyhow!("{}:{line}:{column}: {message}", self.file)
    }

    /// A command, with the folder of what is compiled in the place of `${TARGET}`.
    fn line(&self, words: &Words, field: &str, target: &Path) -> Result<Vec<String>, Error> {
        let target = target.display().to_string();
        let list = words.get_ref();
        if list.first().is_none_or(String::is_empty) {
            let right = "a program and its arguments are right, as in [\"node\", \"server.js\"]";
            return Err(self.error(words.span().start, format!("`{field}` is empty: {right}")));
        }
        let words = list.iter().map(|word| word.replace("${TARGET}", &target));
        Ok(words.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"title = "ws on Node.js"
language = "JavaScript"
package = "ws"
registry = "npm"
version = "8.18.3"

[install]
commands = [["cargo", "build", "--target-dir", "${TARGET}"]]
creates = "${TARGET}/release/ws"
runs = ["node"]

[server]
command = ["${TARGET}/release/ws"]

[[arm]]
name = "ws"
echo = { protocol = "websocket", url = "ws://{address}/echo" }
idle = { protocol = "websocket", url = "ws://{address}/echo" }
"#;

    fn read(text: &str) -> Result<Peer, String> {
        let place = Place {
            file: "peer.toml",
            text,
        };
        let peer = parse(
            place,
            Path::new("/lab/peers/ws"),
            Path::new("/lab/target/peers"),
        );
        peer.map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_description_is_read() {
        let peer = read(GOOD).unwrap();
        assert_eq!((peer.name.as_str(), peer.registry), ("ws", "npm"));
        assert_eq!(peer.command, ["/lab/target/peers/release/ws"]);
        assert_eq!(peer.install.commands[0][3], "/lab/target/peers");
        assert_eq!(
            peer.install.creates,
            Path::new("/lab/target/peers/release/ws")
        );
        let kinds: Vec<Kind> = peer.arms[0].routes.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [Kind::Echo, Kind::Idle]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (from, to, says) in [
            (
                "version",
                "versoin",
                "peer.toml:5:1: unknown field `versoin`, expected one of",
            ),
            (
                "\"npm\"",
                "\"nmp\"",
                "peer.toml:4:12: unknown variant `nmp`, expected one of `npm`",
            ),
            (
                "runs = [\"node\"]",
                "runs = \"node\"",
                "peer.toml:10:8: invalid type: string \"node\", expected a sequence",
            ),
            ("title = \"ws on Node.js\"\n", "", "missing field `title`"),
            (
                "\"ws on Node.js\"",
                "\"\"",
                "peer.toml:1:9: `title` is to be one line",
            ),
            (
                "command = [\"${TARGET}/release/ws\"]",
                "command = []",
                "peer.toml:13:11: `command` is empty: a program and its arguments are right",
            ),
            (
                "\"${TARGET}/release/ws\"\nruns",
                "\"../x\"\nruns",
                "peer.toml:9:11: `creates` is to be a path within",
            ),
            (
                "name = \"ws\"",
                "name = \"W S\"",
                "peer.toml:16:8: arm \"W S\": 1 to 40 lower-case letters",
            ),
            (
                "name = \"ws\"",
                "name = \"websocket\"",
                "peer.toml:16:8: arm \"websocket\": a transport of the lab has that name",
            ),
            (
                "echo = { protocol = \"websocket\"",
                "echo = { protocol = \"carrier-pigeon\"",
                "peer.toml:17:21: protocol \"carrier-pigeon\" is unknown: the lab speaks",
            ),
            (
                "echo = { protocol = \"websocket\", url = \"ws://{address}",
                "echo = { protocol = \"websocket\", url = \"http://{address}",
                "is no URL for websocket: \"ws://{address}/ws\" would be one",
            ),
            (
                "idle = { protocol",
                "broadcast = { url = \"ws://{address}/echo\", protocol = \"echo\" }\nidle = { protocol",
                "protocol \"echo\" can't carry broadcast: it carries echo, idle",
            ),
            ("[[arm]]", "[arm]", "peer.toml:15:1: invalid type: map"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let said = read(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(said.contains(says), "{said} should say {says}");
        }
        let (without, _) = GOOD.split_once("[[arm]]").unwrap();
        assert!(read(without).unwrap_err().contains("missing field `arm`"));
        let empty = format!("{without}[[arm]]\nname = 'ws'");
        assert!(read(&empty).unwrap_err().contains("it carries nothing"));
    }
}
