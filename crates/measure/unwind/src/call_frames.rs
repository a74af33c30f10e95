//! `.eh_frame_hdr` and `.eh_frame` (Linux Standard Base, chapter 10.6; DWARF 5, section 6.4) -> rules.

use crate::rule::{FrameEnd, Rule, SavedFramePointer};
use gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameHdr, EndianSlice, Expression, LittleEndian, Operation,
    Register, RegisterRule, UnwindContext, UnwindContextStorage, UnwindExpression, UnwindSection,
    UnwindTableRow, X86_64,
};

type Bytes<'a> = EndianSlice<'a, LittleEndian>;
type Row = UnwindTableRow<usize, OnStack>;

const ADDRESS_BYTES: u8 = 8;

/// Room for a row's registers and for rows that `DW_CFA_remember_state` keeps. x86-64 has 17 registers that a row may
/// name; compilers nest states one deep.
struct OnStack;

impl UnwindContextStorage<usize> for OnStack {
    type Rules = [(Register, RegisterRule<usize>); 20];
    type Stack = [UnwindTableRow<usize, Self>; 4];
}

/// The rule at `address`, by the tables that begin with the `.eh_frame_hdr` at `header`. `bytes_from` gives the readable
/// bytes from an address to the end of the segment it lies in.
pub fn rule_at<'a>(
    address: usize,
    header: usize,
    bytes_from: impl Fn(usize) -> Option<&'a [u8]>,
) -> Rule {
    find_rule(address as u64, header, bytes_from).unwrap_or(Rule::UNKNOWN)
}

fn find_rule<'a>(
    address: u64,
    header: usize,
    bytes_from: impl Fn(usize) -> Option<&'a [u8]>,
) -> Option<Rule> {
    let bases = BaseAddresses::default().set_eh_frame_hdr(header as u64);
    let parsed =
        EhFrameHdr::new(bytes_from(header)?, LittleEndian).parse(&bases, ADDRESS_BYTES).ok()?;
    let start = parsed.eh_frame_ptr().direct().ok()?;
    let mut eh_frame = EhFrame::new(bytes_from(usize::try_from(start).ok()?)?, LittleEndian);
    eh_frame.set_address_size(ADDRESS_BYTES);
    let bases = bases.set_eh_frame(start);
    let table = parsed.table()?;
    let entry = table.fde_for_address(&eh_frame, &bases, address, EhFrame::cie_from_offset).ok()?;
    if entry.is_signal_trampoline() {
        return None;
    }
    let mut context = UnwindContext::<usize, OnStack>::new_in();
    let row = entry.unwind_info_for_address(&eh_frame, &bases, &mut context, address).ok()?;
    rule_of(row, &eh_frame)
}

fn rule_of(row: &Row, section: &EhFrame<Bytes>) -> Option<Rule> {
    match row.register(X86_64::RA) {
        // DWARF's way to say that nobody called.
        Some(RegisterRule::Undefined) => return Some(Rule::NO_CALLER),
        Some(RegisterRule::Offset(-8)) => {}
        _ => return None,
    }
    let (end, end_offset) = frame_end_of(row.cfa(), section)?;
    let (saved_at, saved_offset) = frame_pointer_of(row.register(X86_64::RBP).as_ref(), section)?;
    Some(Rule {
        end,
        end_offset: i32::try_from(end_offset).ok()?,
        saved: saved_at,
        saved_offset: i16::try_from(saved_offset).ok()?,
    })
}

fn frame_end_of(rule: &CfaRule<usize>, section: &EhFrame<Bytes>) -> Option<(FrameEnd, i64)> {
    match *rule {
        CfaRule::RegisterAndOffset { register: X86_64::RSP, offset } => {
            Some((FrameEnd::FromStackPointer, offset))
        }
        CfaRule::RegisterAndOffset { register: X86_64::RBP, offset } => {
            Some((FrameEnd::FromFramePointer, offset))
        }
        CfaRule::RegisterAndOffset { .. } => None,
        CfaRule::Expression(expression) => {
            let (offset, is_loaded) = frame_pointer_and_offset(&expression, section)?;
            is_loaded.then_some((FrameEnd::StoredAtFramePointer, offset))
        }
    }
}

fn frame_pointer_of(
    rule: Option<&RegisterRule<usize>>,
    section: &EhFrame<Bytes>,
) -> Option<(SavedFramePointer, i64)> {
    match rule {
        None | Some(RegisterRule::SameValue | RegisterRule::Undefined) => {
            Some((SavedFramePointer::InRegister, 0))
        }
        Some(RegisterRule::Offset(offset)) => Some((SavedFramePointer::AtFrameEnd, *offset)),
        Some(RegisterRule::Expression(expression)) => {
            let (offset, is_loaded) = frame_pointer_and_offset(expression, section)?;
            (!is_loaded).then_some((SavedFramePointer::AtFramePointer, offset))
        }
        Some(_) => None,
    }
}

/// The offset of the expression "frame pointer plus offset", and whether the word there is loaded. Compilers write no
/// other one for functions that align their stack.
fn frame_pointer_and_offset(
    expression: &UnwindExpression<usize>,
    section: &EhFrame<Bytes>,
) -> Option<(i64, bool)> {
    let expression: Expression<Bytes> = expression.get(section).ok()?;
    let encoding =
        gimli::Encoding { address_size: ADDRESS_BYTES, format: gimli::Format::Dwarf32, version: 4 };
    let mut operations = expression.operations(encoding);
    let Some(Operation::RegisterOffset { register: X86_64::RBP, offset, .. }) =
        operations.next().ok()?
    else {
        return None;
    };
    match operations.next().ok()? {
        None => Some((offset, false)),
        Some(Operation::Deref { size: ADDRESS_BYTES, space: false, .. }) => {
            operations.next().ok()?.is_none().then_some((offset, true))
        }
        Some(_) => None,
    }
}
