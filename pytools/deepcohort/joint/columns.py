"""Column numbers of the record table that the gVCF parser fills (int32, one row per record)."""

POS = 0  # 0-based
END = 1  # exclusive; of the block, or POS + len(REF)
KIND = 2  # BLOCK or VARIANT
FILTERED = 3  # 1: a FILTER other than PASS, RefCall, LowQual, NoCall
N_ALT = 4  # ALTs as listed, symbolic ones too
REF_LEN = 5
SEQ = 6  # offset of "REF<TAB>ALT" in the allele text (variants only)
SEQ_LEN = 7
GT0 = 8  # -1: missing
GT1 = 9  # -1: missing, -2: haploid
GQ = 10  # -1: missing
DP = 11  # MIN_DP where given, else DP; -1: missing
PL = 12  # offset into the flat integers
PL_N = 13
AD = 14
AD_N = 15
SB = 16  # offset of four strand counts, or -1
MQ_SQ = 17  # sum of squared mapping qualities, and of how many reads; -1: not given
MQ_N = 18
X = 19  # index of <NON_REF> or <*> among the alleles, or -1
RANKS = 20  # to 22: BaseQRankSum, MQRankSum and ReadPosRankSum in thousandths; NO_RANK: not given
N_RANKS = 3
PS = 23  # phase set of a phased GT: its PS, 0 where none is written; -1: unphased
PQ = 24  # phase quality, phred; -1: missing
N_COLUMNS = 25
NO_RANK = -2_000_000_000

BLOCK = 0
VARIANT = 1

# columns of the primitive table: what an ALT of a record comes down to after normalising
P_REC = 0
P_ALT = 1  # 1-based allele of the record
P_POS = 2
P_REF_LEN = 3
P_SEQ = 4  # offset of the ALT bases in the primitive text
P_SEQ_LEN = 5  # -1: the ALT was `*`
P_CALLED = 6
P_ALLELE = 7  # 1-based allele of its site, 0: the site does not carry it
N_PRIMITIVE_COLUMNS = 8
