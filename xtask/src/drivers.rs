//! The tests with the official drivers: what they need, a real server, and the run itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::Server;
use crate::step::{self, Tally};
use crate::{paths, tools};

/// Opens the server that asks for a password; it is thrown away with its data.
const PASSWORD: &str = "open for tests";

/// A driver: the folder of its tests, and what makes them ready to run.
type Driver = (&'static str, fn(&str) -> Result<Command, String>);

/// The newest Python driver, the last one that speaks Bolt 4.4, the JavaScript driver, and libraries over these.
const DRIVERS: [Driver; 6] = [
    ("python", prepare_python),
    ("python44", prepare_python),
    ("javascript", prepare_node),
    ("libraries", prepare_python),
    ("graphql", prepare_node),
    ("peer", prepare_python),
];

/// Runs the tests with each driver, each against two servers of its own.
pub fn run() -> Result<Tally, String> {
    let mut total = Tally::default();
    for (name, prepare) in DRIVERS {
        println!("-- {name}");
        let mut tests = prepare(name)?;
        let servers = [Server::start(name, None)?, Server::start(&format!("{name}-locked"), Some(PASSWORD))?];
        let [open, locked] = &servers;
        tests.env("SHEAF_BOLT", open.bolt.to_string()).env("SHEAF_HTTP", open.http.to_string());
        tests.env("SHEAF_LOCKED_BOLT", locked.bolt.to_string()).env("SHEAF_LOCKED_HTTP", locked.http.to_string());
        tests.env("SHEAF_PASSWORD", PASSWORD).env("SHEAF_PROCESS", open.id().to_string());
        let tally = step::run(&mut tests)?;
        total.add(tally);
        for server in servers {
            if tally.failed > 0 {
                println!("{}", server.log());
            }
            // That a server ends when asked is a check of its own.
            match server.stop() {
                Ok(()) => total.add(Tally::single(true)),
                Err(problem) => {
                    println!("{problem}");
                    total.add(Tally::single(false));
                }
            }
        }
    }
    Ok(total)
}

fn sources(language: &str) -> PathBuf {
    paths::workspace().join("suite/drivers").join(language)
}

fn folder(language: &str) -> Result<PathBuf, String> {
    let folder = paths::target().join("drivers").join(language);
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(folder)
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Makes a virtual environment with the driver in it.
fn prepare_python(name: &str) -> Result<Command, String> {
    let folder = folder(name)?;
    let environment = folder.join("environment");
    let requirements = sources(name).join("requirements.txt");
    let wanted = read(&requirements)?;
    if !tools::is_prepared(&folder, &wanted) {
        tools::require("python3", &["--version"], &["python3", "python3-venv"])?;
        let make = || tools::must(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment));
        if make().is_err() {
            // Debian splits the module off; without it `venv` starts and fails.
            tools::install(&["python3-venv"])?;
            make()?;
        }
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        tools::must(Command::new(environment.join("bin/python")).args(pip).arg(&requirements))?;
        tools::mark_prepared(&folder, &wanted)?;
    }
    let mut tests = Command::new(environment.join("bin/python"));
    tests.args(["-X", "faulthandler", "-W", "default", "-m", "unittest", "discover", "--pattern", "test_*.py"]);
    // Bytecode would land beside the sources.
    tests.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1").current_dir(sources(name));
    Ok(tests)
}

/// Copies the tests beside the driver that npm installs, because Node looks for packages next to the file.
fn prepare_node(name: &str) -> Result<Command, String> {
    let folder = folder(name)?;
    remove_old_tests(&folder)?;
    for entry in std::fs::read_dir(sources(name)).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            std::fs::copy(&path, folder.join(name))
                .map_err(|error| format!("cannot copy {}: {error}", path.display()))?;
        }
    }
    let wanted = read(&folder.join("package-lock.json"))?;
    if !tools::is_prepared(&folder, &wanted) {
        tools::require("node", &["--version"], &["nodejs"])?;
        tools::require("npm", &["--version"], &["npm"])?;
        tools::must(
            Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&folder),
        )?;
        tools::mark_prepared(&folder, &wanted)?;
    }
    let mut tests = Command::new("node");
    tests.args(["--test", "--test-reporter=tap", "--test-timeout=60000"]).current_dir(&folder);
    Ok(tests)
}

/// Removes the copies of an earlier run: a test that was deleted must not run on.
fn remove_old_tests(folder: &Path) -> Result<(), String> {
    for entry in std::fs::read_dir(folder).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.extension().is_some_and(|extension| extension == "mjs") {
            std::fs::remove_file(&path).map_err(|error| format!("cannot remove {}: {error}", path.display()))?;
        }
    }
    Ok(())
}
