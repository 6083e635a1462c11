/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking an instruction apart.
 *
 * Plain moves between memory and general registers, string moves and stack
 * moves get a kind of their own.  Everything else that has exactly one memory
 * operand is done by running a copy of the instruction whose operand is a
 * plain [register], so that its arithmetic, flags and vector semantics are
 * the processor's own.  The register that carries the address is one of the
 * low eight that the instruction does not use, so no prefix needs to grow.
 * What has a memory operand of variable shape (gathered, masked but for plain
 * moves) is refused: a device must never see an access that the program did
 * not make.
 */
#include <string.h>

#include <Zydis/Zydis.h>

#include "decode.h"

static bool gpr_of(ZydisRegister reg, struct trap_operand_gpr *out)
{
	out->shift = 0;
	if (reg >= ZYDIS_REGISTER_AL && reg <= ZYDIS_REGISTER_R15B) {
		int n = reg - ZYDIS_REGISTER_AL;

		/* AL CL DL BL, AH CH DH BH, SPL BPL SIL DIL, R8B... */
		out->size = 1;
		if (n >= 4 && n < 8) {
			n -= 4;
			out->shift = 8;
		} else if (n >= 8) {
			n -= 4;
		}
		out->num = (int8_t)n;
		return true;
	}
	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_GPR16:
		out->size = 2;
		break;
	case ZYDIS_REGCLASS_GPR32:
		out->size = 4;
		break;
	case ZYDIS_REGCLASS_GPR64:
		out->size = 8;
		break;
	default:
		return false;
	}
	out->num = ZydisRegisterGetId(reg);
	return true;
}

/* Everything outside the general registers needs the extended state. */
static bool is_vector_reg(ZydisRegister reg)
{
	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_GPR8:
	case ZYDIS_REGCLASS_GPR16:
	case ZYDIS_REGCLASS_GPR32:
	case ZYDIS_REGCLASS_GPR64:
	case ZYDIS_REGCLASS_FLAGS:
	case ZYDIS_REGCLASS_IP:
	case ZYDIS_REGCLASS_SEGMENT:
		return false;
	default:
		return true;
	}
}

static bool decode_mem(const ZydisDecodedInstruction *zi,
		       const ZydisDecodedOperand *op, struct trap_mem *mem)
{
	struct trap_operand_gpr gpr;

	if (op->mem.type != ZYDIS_MEMOP_TYPE_MEM || op->size % 8 || !op->size ||
	    op->size > 64 * 8)
		return false;
	mem->base = -1;
	mem->index = -1;
	mem->scale = op->mem.scale;
	mem->size = (uint8_t)(op->size / 8);
	mem->disp = op->mem.disp.has_displacement ? op->mem.disp.value : 0;
	mem->addr32 = zi->address_width == 32;
	mem->reads = op->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
	mem->writes = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
	if (op->mem.segment == ZYDIS_REGISTER_FS)
		mem->seg = 'F';
	else if (op->mem.segment == ZYDIS_REGISTER_GS)
		mem->seg = 'G';
	if (op->mem.base == ZYDIS_REGISTER_RIP ||
	    op->mem.base == ZYDIS_REGISTER_EIP) {
		mem->rip = true;
	} else if (op->mem.base != ZYDIS_REGISTER_NONE) {
		if (!gpr_of(op->mem.base, &gpr))
			return false;
		mem->base = gpr.num;
	}
	if (op->mem.index != ZYDIS_REGISTER_NONE) {
		if (!gpr_of(op->mem.index, &gpr))
			return false;
		mem->index = gpr.num;
	}
	return true;
}

/* ------------------------------------------------------ plain moves ------ */

static bool decode_move(const ZydisDecodedInstruction *zi,
			const ZydisDecodedOperand *ops, struct trap_insn *insn)
{
	const ZydisDecodedOperand *other;

	switch (zi->mnemonic) {
	case ZYDIS_MNEMONIC_MOVSX:
	case ZYDIS_MNEMONIC_MOVSXD:
		insn->sign = true;
		break;
	case ZYDIS_MNEMONIC_MOV:
	case ZYDIS_MNEMONIC_MOVZX:
	case ZYDIS_MNEMONIC_MOVNTI:
	case ZYDIS_MNEMONIC_MOVDIRI:
		break;
	default:
		return false;
	}
	if (ops[0].type == ZYDIS_OPERAND_TYPE_MEMORY) {
		insn->kind = TRAP_STORE;
		other = &ops[1];
	} else {
		insn->kind = TRAP_LOAD;
		other = &ops[0];
	}
	if (other->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		insn->immediate = true;
		insn->imm = other->imm.value.s;
		return true;
	}
	return other->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       gpr_of(other->reg.value, &insn->reg);
}

/* ---------------------------------------------- strings and the stack ---- */

static bool decode_special(const ZydisDecodedInstruction *zi,
			   const ZydisDecodedOperand *ops,
			   struct trap_insn *insn)
{
	const ZydisDecodedOperand *mem = NULL;

	switch (zi->mnemonic) {
	case ZYDIS_MNEMONIC_MOVSB:
	case ZYDIS_MNEMONIC_MOVSW:
	case ZYDIS_MNEMONIC_MOVSQ:
		insn->kind = TRAP_MOVS;
		mem = &ops[1]; /* the source, whose segment may be changed */
		break;
	case ZYDIS_MNEMONIC_MOVSD:
		if (ops[0].type != ZYDIS_OPERAND_TYPE_MEMORY ||
		    ops[1].type != ZYDIS_OPERAND_TYPE_MEMORY)
			return false; /* the vector move of that name */
		insn->kind = TRAP_MOVS;
		mem = &ops[1];
		break;
	case ZYDIS_MNEMONIC_STOSB:
	case ZYDIS_MNEMONIC_STOSW:
	case ZYDIS_MNEMONIC_STOSD:
	case ZYDIS_MNEMONIC_STOSQ:
		insn->kind = TRAP_STOS;
		mem = &ops[0];
		break;
	case ZYDIS_MNEMONIC_LODSB:
	case ZYDIS_MNEMONIC_LODSW:
	case ZYDIS_MNEMONIC_LODSD:
	case ZYDIS_MNEMONIC_LODSQ:
		insn->kind = TRAP_LODS;
		mem = &ops[1];
		break;
	case ZYDIS_MNEMONIC_PUSH:
		insn->kind = TRAP_PUSH;
		mem = &ops[0];
		break;
	case ZYDIS_MNEMONIC_POP:
		insn->kind = TRAP_POP;
		mem = &ops[0];
		break;
	case ZYDIS_MNEMONIC_MOVDIR64B:
		insn->kind = TRAP_MOVDIR64;
		mem = &ops[1];
		if (ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER) {
			if (!gpr_of(ops[0].reg.value, &insn->reg))
				insn->kind = TRAP_BAD;
		} else if (ops[0].type == ZYDIS_OPERAND_TYPE_MEMORY) {
			if (!gpr_of(ops[0].mem.base, &insn->reg))
				insn->kind = TRAP_BAD;
		} else {
			insn->kind = TRAP_BAD;
		}
		break;
	case ZYDIS_MNEMONIC_CLFLUSH:
	case ZYDIS_MNEMONIC_CLFLUSHOPT:
	case ZYDIS_MNEMONIC_CLWB:
		insn->kind = TRAP_SKIP;
		return true;
	default:
		return false;
	}
	insn->rep = zi->attributes &
		    (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE |
		     ZYDIS_ATTRIB_HAS_REPNE);
	if (mem->type != ZYDIS_OPERAND_TYPE_MEMORY ||
	    !decode_mem(zi, mem, &insn->mem))
		insn->kind = TRAP_BAD;
	return true;
}

/* ---------------------------------------------- running a copy ----------- */

/* One of the low eight that the copy may use as its address; 0xff: none. */
static uint8_t pick_scratch(const ZydisDecodedInstruction *zi,
			    const ZydisDecodedOperand *ops)
{
	/* RSP and RBP as a plain base mean something else in the encoding. */
	static const uint8_t candidates[] = { TRAP_RSI, TRAP_RDI, TRAP_RBX,
					      TRAP_RDX, TRAP_RCX, TRAP_RAX };
	unsigned int used = 0;

	for (unsigned int i = 0; i < zi->operand_count; i++) {
		struct trap_operand_gpr gpr;

		if (ops[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    gpr_of(ops[i].reg.value, &gpr))
			used |= 1u << gpr.num;
	}
	/* Not even as a source: the copy runs on another stack. */
	if (used & (1u << TRAP_RSP))
		return 0xff;
	for (unsigned int i = 0; i < sizeof(candidates); i++)
		if (!(used & (1u << candidates[i])))
			return candidates[i];
	return 0xff;
}

static bool is_address_prefix(uint8_t byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64:
	case 0x65:
	case 0x67:
		return true;
	default:
		return false;
	}
}

/* Where the part begins that prefixes do not belong to. */
static unsigned int body_offset(const ZydisDecodedInstruction *zi)
{
	switch (zi->encoding) {
	case ZYDIS_INSTRUCTION_ENCODING_VEX:
		return zi->raw.vex.offset;
	case ZYDIS_INSTRUCTION_ENCODING_EVEX:
		return zi->raw.evex.offset;
	default:
		return zi->raw.prefix_count;
	}
}

/* Clear the bits that extend base and index to R8..R15. */
static bool clear_extension(const ZydisDecodedInstruction *zi, uint8_t *body)
{
	switch (zi->encoding) {
	case ZYDIS_INSTRUCTION_ENCODING_LEGACY:
		/* REX is the last of the prefixes. */
		if (zi->attributes & ZYDIS_ATTRIB_HAS_REX)
			body[-1] &= (uint8_t)~3u;
		return true;
	case ZYDIS_INSTRUCTION_ENCODING_VEX:
		if (zi->raw.vex.size == 3)
			body[1] |= 0x60; /* kept inverted */
		return true;
	case ZYDIS_INSTRUCTION_ENCODING_EVEX:
		body[1] |= 0x60;
		return true;
	default:
		return false;
	}
}

static bool make_stub(const ZydisDecodedInstruction *zi, struct trap_insn *insn)
{
	unsigned int body = body_offset(zi), modrm = zi->raw.modrm.offset;
	unsigned int imm_len = 0, n = 0, start;

	if (!modrm || modrm < body)
		return false;
	for (unsigned int i = 0; i < body; i++)
		if (!is_address_prefix(insn->bytes[i]))
			insn->stub[n++] = insn->bytes[i];
	start = n;
	memcpy(insn->stub + n, insn->bytes + body, modrm - body);
	n += modrm - body;
	if (!clear_extension(zi, insn->stub + start))
		return false;
	insn->stub[n++] =
		(uint8_t)((insn->bytes[modrm] & 0x38) | insn->scratch);
	for (unsigned int i = 0; i < 2; i++)
		imm_len += zi->raw.imm[i].size / 8;
	memcpy(insn->stub + n, insn->bytes + zi->length - imm_len, imm_len);
	insn->stub_len = (uint8_t)(n + imm_len);
	return true;
}

/* A bit number in a register reaches beyond the operand. */
static bool decode_bit_string(const ZydisDecodedInstruction *zi,
			      const ZydisDecodedOperand *ops,
			      struct trap_insn *insn)
{
	struct trap_operand_gpr gpr;

	switch (zi->mnemonic) {
	case ZYDIS_MNEMONIC_BT:
	case ZYDIS_MNEMONIC_BTS:
	case ZYDIS_MNEMONIC_BTR:
	case ZYDIS_MNEMONIC_BTC:
		break;
	default:
		return true;
	}
	if (ops[1].type != ZYDIS_OPERAND_TYPE_REGISTER)
		return true;
	if (!gpr_of(ops[1].reg.value, &gpr))
		return false;
	insn->bit_reg = gpr.num;
	insn->bit_size = gpr.size;
	return true;
}

/* Forms with one memory operand whose copy must not run here. */
static bool may_run(const ZydisDecodedInstruction *zi)
{
	switch (zi->meta.category) {
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_SYSTEM:
	case ZYDIS_CATEGORY_XSAVE:
	case ZYDIS_CATEGORY_XSAVEOPT:
	case ZYDIS_CATEGORY_GATHER:
	case ZYDIS_CATEGORY_SCATTER:
	case ZYDIS_CATEGORY_STRINGOP:
	case ZYDIS_CATEGORY_IOSTRINGOP:
		return false;
	default:
		break;
	}
	switch (zi->mnemonic) {
	case ZYDIS_MNEMONIC_MASKMOVDQU:
	case ZYDIS_MNEMONIC_VMASKMOVDQU:
	case ZYDIS_MNEMONIC_MASKMOVQ:
	case ZYDIS_MNEMONIC_VMASKMOVPS:
	case ZYDIS_MNEMONIC_VMASKMOVPD:
	case ZYDIS_MNEMONIC_VPMASKMOVD:
	case ZYDIS_MNEMONIC_VPMASKMOVQ:
	case ZYDIS_MNEMONIC_XLAT:
		return false;
	default:
		break;
	}
	return true;
}

/*
 * A mask register leaves elements out, and the device must not see those
 * accessed.  Plain moves are understood: element and mask bit correspond.
 */
static bool decode_mask(const ZydisDecodedInstruction *zi,
			const ZydisDecodedOperand *mem, struct trap_insn *insn)
{
	if (zi->avx.mask.reg == ZYDIS_REGISTER_NONE ||
	    zi->avx.mask.reg == ZYDIS_REGISTER_K0)
		return true;
	switch (zi->mnemonic) {
	case ZYDIS_MNEMONIC_VMOVDQU8:
	case ZYDIS_MNEMONIC_VMOVDQU16:
	case ZYDIS_MNEMONIC_VMOVDQU32:
	case ZYDIS_MNEMONIC_VMOVDQU64:
	case ZYDIS_MNEMONIC_VMOVDQA32:
	case ZYDIS_MNEMONIC_VMOVDQA64:
	case ZYDIS_MNEMONIC_VMOVUPS:
	case ZYDIS_MNEMONIC_VMOVUPD:
	case ZYDIS_MNEMONIC_VMOVAPS:
	case ZYDIS_MNEMONIC_VMOVAPD:
		break;
	default:
		return false;
	}
	insn->mask_reg = (uint8_t)(zi->avx.mask.reg - ZYDIS_REGISTER_K0);
	insn->elem_size = (uint8_t)(mem->element_size / 8);
	return insn->elem_size != 0;
}

static bool decode_run(const ZydisDecodedInstruction *zi,
		       const ZydisDecodedOperand *ops, struct trap_insn *insn)
{
	const ZydisDecodedOperand *mem = NULL;

	for (unsigned int i = 0; i < zi->operand_count; i++) {
		if (ops[i].type == ZYDIS_OPERAND_TYPE_REGISTER)
			insn->vector |= is_vector_reg(ops[i].reg.value);
		if (ops[i].type != ZYDIS_OPERAND_TYPE_MEMORY)
			continue;
		if (mem)
			return false;
		mem = &ops[i];
	}
	if (!mem || mem->mem.index == ZYDIS_REGISTER_RSP || !may_run(zi))
		return false;
	insn->vector |= zi->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY;
	insn->scratch = pick_scratch(zi, ops);
	insn->kind = TRAP_RUN;
	return insn->scratch != 0xff && decode_mem(zi, mem, &insn->mem) &&
	       decode_mask(zi, mem, insn) && decode_bit_string(zi, ops, insn) &&
	       make_stub(zi, insn);
}

void trap_decode(const uint8_t *bytes, unsigned int len, struct trap_insn *insn)
{
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction zi;
	ZydisDecoder decoder;

	memset(insn, 0, sizeof(*insn));
	insn->bit_reg = -1;
	insn->len = (uint8_t)(len < TRAP_INSN_MAX ? len : TRAP_INSN_MAX);
	memcpy(insn->bytes, bytes, insn->len);
	if (!ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
					   ZYDIS_STACK_WIDTH_64)) ||
	    !ZYAN_SUCCESS(
		    ZydisDecoderDecodeFull(&decoder, bytes, len, &zi, ops)))
		return;
	insn->len = zi.length;
	if (decode_special(&zi, ops, insn))
		return;
	if (decode_move(&zi, ops, insn)) {
		const ZydisDecodedOperand *mem =
			&ops[insn->kind == TRAP_LOAD ? 1 : 0];

		if (mem->type != ZYDIS_OPERAND_TYPE_MEMORY ||
		    !decode_mem(&zi, mem, &insn->mem))
			insn->kind = TRAP_BAD;
		return;
	}
	if (!decode_run(&zi, ops, insn))
		insn->kind = TRAP_BAD;
}
