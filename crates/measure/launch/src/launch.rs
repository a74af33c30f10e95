use crate::capture_file::CaptureFile;
use crate::control::{Controlled, Look};
use crate::environment::{self, Boot, Variable};
use crate::interpreter::locate;
use crate::outcome::{Counted, ENCODED_BYTES, Outcome};
use crate::shim::{self, Order, SUBCOMMAND};
use crate::signals::Guard;
use crate::{
    Control, Ended, Exit, Input, Installation, Interpreter, LaunchError, Output, Target, raw,
};
use lowtide_capture::control::capture_of_recording;
use lowtide_units::Bytes;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, PipeReader, Read};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};

/// One program is run at a time: two at once would disturb each other's figures, and signals have one receiver.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
/// The exit status by which the boot module says that it let nothing start.
const REFUSED_STATUS: i32 = 2;

/// A program to be run, and how.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The Python that was asked for; `None` is [`Interpreter::find`]'s choice. A command needs none.
    pub python: Option<PathBuf>,
    /// What to run.
    pub target: Target,
    /// The program's own arguments.
    pub args: Vec<OsString>,
    /// Where the capture goes; `None` runs without the tracker. An earlier capture there is replaced.
    pub capture: Option<PathBuf>,
    /// How the recording is controlled from outside; `None` records from start to end.
    pub control: Option<Control>,
    /// Whether native frames are recorded between Python frames.
    pub native: bool,
    /// How many bytes apart, on average, allocations are sampled; `None` records every block.
    pub sample: Option<Bytes>,
    /// The stage's folder; `None` runs without the stage.
    pub stage: Option<PathBuf>,
    /// Variables that are set for the program.
    pub env: Vec<(OsString, OsString)>,
    /// Its standard input.
    pub stdin: Input,
    /// Its standard output.
    pub stdout: Output,
    /// Its standard error.
    pub stderr: Output,
    /// The folder it runs in; `None` is this process's.
    pub cwd: Option<PathBuf>,
}

impl Launch {
    /// Runs `target` plainly: no arguments, no tracker, no stage, streams and folder of this process.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            python: None,
            target,
            args: Vec::new(),
            capture: None,
            control: None,
            native: false,
            sample: None,
            stage: None,
            env: Vec::new(),
            stdin: Input::default(),
            stdout: Output::default(),
            stderr: Output::default(),
            cwd: None,
        }
    }

    /// Runs the program to its end.
    ///
    /// SIGINT and others that are sent to this process meanwhile reach the program, and do not end this process.
    ///
    /// # Errors
    /// When something is missing or not permitted: in general before anything has started. [`LaunchError::Refused`]
    /// if the Python cannot be measured.
    pub fn run(&self) -> Result<Ended, LaunchError> {
        self.run_looking(Arc::new(|_| ()))
    }

    /// The same. Meanwhile `look` is called with the capture when one may be complete, if the program is controlled: many a
    /// program takes a while longer to end, which is time to read it in. It may as well be that of another process which is.
    ///
    /// # Errors
    /// As [`Launch::run`].
    pub fn run_looking(
        &self,
        look: Arc<dyn Fn(&Path) + Send + Sync>,
    ) -> Result<Ended, LaunchError> {
        self.target.check(&self.folder()?)?;
        let mut order = self.order()?;
        let capture = self.capture.as_deref().map(CaptureFile::prepare).transpose()?;
        let controlled = self.controlled(capture.as_ref())?;
        let run = self
            .boot_variables(capture.as_ref(), controlled.as_ref())
            .and_then(|boot| {
                order.changes.extend(boot);
                self.start_and_wait(&order, controlled.as_ref(), look)
            })
            .inspect_err(|_| capture.iter().for_each(CaptureFile::remove_if_empty))?;
        let last = match &controlled {
            Some(controlled) => controlled.last_recording(),
            None => capture.as_ref().filter(|file| file.is_begun()).map(|_| 1),
        };
        let ended = run.counted.ended(last, run.received);
        self.finish(ended, capture.as_ref())
    }

    fn controlled(&self, capture: Option<&CaptureFile>) -> Result<Option<Controlled>, LaunchError> {
        let (Some(control), Some(capture)) = (&self.control, capture) else { return Ok(None) };
        let failed =
            LaunchError::system("let the program see orders given by signals, through /proc");
        if Path::new("/proc/self/fd").exists() {
            return Controlled::new(control, &capture.path).map(Some).map_err(failed);
        }
        // Nobody may ever give an order, but to begin.
        if control.paused { Err(failed(io::ErrorKind::NotFound.into())) } else { Ok(None) }
    }

    fn finish(&self, ended: Ended, capture: Option<&CaptureFile>) -> Result<Ended, LaunchError> {
        let Some(file) = capture else { return Ok(ended) };
        if ended.recorded {
            // A capture that the program's end left unreadable says so itself when it is read.
            let capture = capture_of_recording(&file.path, ended.recording);
            let _ = lowtide_capture::annotate(&capture, &ended.ending());
            return Ok(ended);
        }
        file.remove_if_empty();
        let is_python = !matches!(self.target, Target::Command(_));
        if is_python && ended.exit == Exit::Code(REFUSED_STATUS) {
            Err(LaunchError::Refused)
        } else {
            Ok(ended)
        }
    }

    fn folder(&self) -> Result<PathBuf, LaunchError> {
        let cwd = self.cwd.as_deref().unwrap_or(Path::new("."));
        std::path::absolute(cwd).map_err(LaunchError::system("find the working directory"))
    }

    /// What is started, without what the boot module needs.
    fn order(&self) -> Result<Order, LaunchError> {
        let (program, name) = match &self.target {
            Target::Command(name) => (self.command(name)?, name.clone()),
            _ => self.interpreter()?,
        };
        let argv = [name]
            .into_iter()
            .chain(self.target.words())
            .chain(self.args.iter().cloned())
            .collect();
        Ok(Order { program, argv, changes: self.env.clone() })
    }

    fn interpreter(&self) -> Result<(PathBuf, OsString), LaunchError> {
        let Interpreter { name, path } = Interpreter::find(self.python.as_deref())?;
        // A relative name would lead elsewhere from another folder.
        let is_lost = self.cwd.is_some() && name.components().count() > 1;
        let name = if is_lost { path.clone() } else { name };
        Ok((path, name.into()))
    }

    fn command(&self, name: &OsStr) -> Result<PathBuf, LaunchError> {
        let in_folder = self.folder()?.join(name);
        let has_slash = name.as_encoded_bytes().contains(&b'/');
        let found = if has_slash {
            Some(in_folder).filter(|path| path.exists())
        } else {
            locate(name.as_ref())
        };
        found.ok_or_else(|| shim::not_started(name.into(), libc::ENOENT))
    }

    fn boot_variables(
        &self,
        capture: Option<&CaptureFile>,
        controlled: Option<&Controlled>,
    ) -> Result<Vec<Variable>, LaunchError> {
        if capture.is_none() && self.stage.is_none() {
            return Ok(Vec::new());
        }
        let installation = Installation::find()?;
        let stage = self.stage.as_deref().map(std::path::absolute).transpose();
        let stage = stage.map_err(LaunchError::system("find the stage's folder"))?;
        let control = controlled.map(Controlled::path);
        let boot = Boot {
            folder: installation.check_boot()?,
            tracker: capture
                .map(|file| Ok((installation.check_tracker()?, file.path.as_path())))
                .transpose()?,
            control: control.as_deref(),
            native: self.native,
            sample: self.sample,
            stage: stage
                .as_deref()
                .map(|folder| Ok((installation.check_stage()?, folder)))
                .transpose()?,
        };
        let given = environment::changed(env::vars_os(), &self.env);
        let python_path =
            given.iter().find(|(name, _)| name == "PYTHONPATH").map(|(_, value)| value.as_os_str());
        Ok(boot.variables(python_path))
    }

    fn start_and_wait(
        &self,
        order: &Order,
        controlled: Option<&Controlled>,
        look: Look,
    ) -> Result<Run, LaunchError> {
        // A launch that panicked left nothing behind that the next one could trip over.
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let guard = Guard::of_launcher();
        let (mut child, mut report) = self.start(order)?;
        guard.pass_to(child.id().cast_signed());
        let mut encoded = [0; ENCODED_BYTES];
        let mut wait = || report.read_exact(&mut encoded);
        let told = match controlled {
            Some(controlled) => controlled.looking_while(look, wait),
            None => wait(),
        };
        let status = child.wait().map_err(LaunchError::system("wait for the program"))?;
        let received = guard.received();
        match told.ok().and_then(|()| Outcome::decode(&encoded)) {
            Some(Outcome::Ended(counted)) => Ok(Run { counted, received }),
            Some(Outcome::NotStarted(errno)) => {
                Err(shim::not_started(order.program.clone(), errno))
            }
            // A signal that came first has ended the shim before there was a program.
            None if received.is_some() && status.signal() == received => {
                Ok(Run::ended_by(status, received))
            }
            None => Err(LaunchError::LostShim { status }),
        }
    }

    fn start(&self, order: &Order) -> Result<(Child, PipeReader), LaunchError> {
        let shim = env::current_exe().map_err(LaunchError::system("find the running program"))?;
        let (reader, writer) = std::io::pipe().map_err(LaunchError::system("make a pipe"))?;
        let descriptor = writer.as_raw_fd();
        let mut command = Command::new(&shim);
        command
            .arg(SUBCOMMAND)
            .arg(descriptor.to_string())
            .arg(std::process::id().to_string())
            .args(order.words());
        command.stdin(self.stdin.open().map_err(LaunchError::system("open the standard input"))?);
        command
            .stdout(self.stdout.open().map_err(LaunchError::system("open the standard output"))?);
        command.stderr(self.stderr.open().map_err(LaunchError::system("open the standard error"))?);
        // Nothing else is started before it is closed: this is the only place where this program starts one.
        raw::pass_on(descriptor).map_err(LaunchError::system("pass a pipe on"))?;
        if let Some(folder) = &self.cwd {
            command.current_dir(folder);
        }
        let child =
            command.spawn().map_err(LaunchError::system(format!("start {}", shim.display())))?;
        Ok((child, reader))
    }
}

/// What is known when the program has ended.
struct Run {
    counted: Counted,
    received: Option<i32>,
}

impl Run {
    fn ended_by(status: ExitStatus, received: Option<i32>) -> Self {
        Self { counted: Counted { wait_status: status.into_raw(), ..Counted::default() }, received }
    }
}
