//! Stacks in made-up memory, laid out as in CPython 3.12 but for shims, against a walk of the whole stack each time.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

const FRAME_WORDS: usize = 8;
const CODE_WORDS: usize = 16;
const CODE_START_BYTES: usize = 64;
const DEPTH: usize = 12;
const CODES: usize = 4;
/// Instructions from here on make function objects, each for one call.
const FIRST_RUN: usize = 10;
/// Instructions from here on call function objects that were kept: others than those that made them.
const FIRST_RECALL: usize = 20;

/// What a program does next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Calls a function that lives for ever.
    Call { code: usize },
    /// Makes a function object for code, and calls it.
    Run { code: usize, instruction: usize },
    /// Calls a function object that was made for another call, and outlived it.
    CallKept { instruction: usize },
    /// The innermost frame moves on.
    MoveOn { instruction: usize },
    /// The innermost frame returns; the function made for it may be kept.
    Return { is_kept: bool },
    /// Something is allocated.
    Ask,
}

fn step() -> impl Strategy<Value = Step> {
    let code = 0..CODES;
    prop_oneof![
        code.clone().prop_map(|code| Step::Call { code }),
        (code, FIRST_RUN..FIRST_RUN + 2)
            .prop_map(|(code, instruction)| Step::Run { code, instruction }),
        (FIRST_RECALL..FIRST_RECALL + 3).prop_map(|instruction| Step::CallKept { instruction }),
        (1..6usize).prop_map(|instruction| Step::MoveOn { instruction }),
        any::<bool>().prop_map(|is_kept| Step::Return { is_kept }),
        Just(Step::Ask),
        Just(Step::Ask),
    ]
}

/// A function object that was made for one call.
#[derive(Clone, Copy)]
struct Made {
    block: usize,
    code: usize,
    /// Of the frame that made it.
    node: u32,
}

/// Nodes by their callers', code and instruction; and the function objects that live.
#[derive(Default)]
struct Tree {
    nodes: HashMap<(u32, usize, u32), u32>,
    made: Vec<Made>,
}

impl NodeOfFrame for Tree {
    type Error = ();

    fn node_of(
        &mut self,
        parent: u32,
        Frame { code, instruction }: Frame,
    ) -> Result<FrameNode, ()> {
        let next = self.nodes.len() as u32 + 1;
        let node = *self.nodes.entry((parent, code.0, instruction)).or_insert(next);
        Ok(FrameNode { node, is_code_new: true })
    }

    fn watches(&mut self, function: FunctionWord, maker: u32) -> bool {
        self.made.iter().any(|made| made.block == function.block() && made.node == maker)
    }

    fn out_of_memory() {}
}

struct Program {
    frames: Box<[u64]>,
    codes: Box<[u64]>,
    layout: Layout,
    depth: usize,
    /// By depth, the function object that was made for the call.
    made_for: [Option<Made>; DEPTH],
    kept: Vec<Made>,
    tree: Tree,
    stacks: Stacks,
}

impl Program {
    fn new() -> Self {
        let mut layout = Layout::of(0x030c_01f0, &[]).unwrap();
        layout.frame.owner = None;
        (layout.thread.frame, layout.thread.frame_in_cframe) = (0, None);
        let bytecode = layout.code.bytecode.as_mut().unwrap();
        (bytecode.start, bytecode.first_traceable) = (CODE_START_BYTES, 0);
        let mut program = Self {
            frames: vec![0; DEPTH * FRAME_WORDS].into(),
            codes: vec![0; CODES * CODE_WORDS].into(),
            layout,
            depth: 0,
            made_for: [None; DEPTH],
            kept: Vec::new(),
            tree: Tree::default(),
            stacks: Stacks::none(false),
        };
        program.push(0, 0);
        program
    }

    fn frame(&self, depth: usize) -> FrameAddress {
        let frame = self.frames.as_ptr() as usize + depth * FRAME_WORDS * size_of::<u64>();
        // SAFETY: the word stands for a thread state that says where its innermost frame is.
        unsafe { FrameAddress::innermost(&self.layout, &raw const frame as usize) }.unwrap()
    }

    fn code(&self, code: usize) -> usize {
        self.codes.as_ptr() as usize + code * CODE_WORDS * size_of::<u64>()
    }

    fn words(&mut self, depth: usize) -> &mut [u64] {
        &mut self.frames[depth * FRAME_WORDS..][..FRAME_WORDS]
    }

    fn push(&mut self, code: usize, function: usize) {
        let caller = self.depth.checked_sub(1).map_or(0, |depth| self.frame(depth).address());
        let (code, depth) = (self.code(code), self.depth);
        let words = self.words(depth);
        (words[0], words[1], words[2]) = (code as u64, caller as u64, function as u64);
        self.depth += 1;
        self.move_on(1);
    }

    fn move_on(&mut self, instruction: usize) {
        let top = self.depth - 1;
        let words = self.words(top);
        words[7] = words[0] + (CODE_START_BYTES + 2 * instruction) as u64;
    }

    fn step(&mut self, step: Step) {
        let has_room = self.depth < DEPTH;
        match step {
            Step::Call { code } if has_room => self.push(code, 0),
            Step::Run { code, instruction } if has_room => {
                self.move_on(instruction);
                self.run(code);
            }
            Step::CallKept { instruction } if has_room => {
                if let Some(made) = self.kept.last().copied() {
                    self.move_on(instruction);
                    self.made_for[self.depth] = None;
                    self.push(made.code, made.block + 16);
                }
            }
            Step::MoveOn { instruction } => self.move_on(instruction),
            Step::Return { is_kept } if self.depth > 1 => self.leave(is_kept),
            Step::Ask => {
                self.ask();
            }
            _ => {}
        }
    }

    /// The object takes the first block that is free, so that addresses recur.
    fn run(&mut self, code: usize) {
        let node = self.ask();
        let is_used = |block: &usize| self.tree.made.iter().any(|made| made.block == *block);
        let block =
            (1..usize::MAX).map(|number| number * 4096).find(|block| !is_used(block)).unwrap();
        let made = Made { block, code, node };
        self.tree.made.push(made);
        self.made_for[self.depth] = Some(made);
        self.push(code, block + 16);
    }

    fn leave(&mut self, is_kept: bool) {
        self.depth -= 1;
        let Some(made) = self.made_for[self.depth].take() else { return };
        if is_kept {
            self.kept.push(made);
        } else {
            self.tree.made.retain(|other| other.block != made.block);
            self.stacks.lose_function(made.block);
        }
    }

    /// The node that is found, which is that of a walk.
    fn ask(&mut self) -> u32 {
        let mut expected = 0;
        for depth in 0..self.depth {
            // SAFETY: the frames of the made-up stack lie in memory of its own, and so does their code.
            let frame = unsafe { self.frame(depth).resolve(&self.layout) }.unwrap();
            expected = self.tree.node_of(expected, frame).unwrap().node;
        }
        let innermost = Some(self.frame(self.depth - 1));
        // SAFETY: as above.
        let found = unsafe { self.stacks.node(&self.layout, innermost, &mut self.tree) };
        assert_eq!(found, Ok(expected));
        expected
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn each_stack_has_the_node_of_a_walk(steps in prop::collection::vec(step(), 1..120)) {
        let mut program = Program::new();
        for step in steps {
            program.step(step);
        }
        program.ask();
    }
}

#[test]
fn a_maker_that_moved_on_made_another_call() {
    let (at_10, at_20) =
        (Step::Run { code: 0, instruction: 10 }, Step::CallKept { instruction: 20 });
    let (kept, returns) = (Step::Return { is_kept: true }, Step::Return { is_kept: false });
    let call = Step::Call { code: 0 };
    let steps =
        [call, at_10, Step::Ask, kept, at_20, returns, Step::Ask, returns, at_20, at_20, call];
    let mut program = Program::new();
    for step in steps {
        program.step(step);
    }
    program.ask();
}
