// Cohort VCF -> annotated cohort VCF, its tables and content of the report

include { PACK_ALPHAMISSENSE } from '../../processes/pack_alphamissense/main'
include { ANNOTATE_SHARD     } from '../../processes/annotate_shard/main'
include { CONCAT_COHORT as CONCAT_ANNOTATED } from '../../processes/concat_cohort/main'
include { REPORT_ANNOTATION  } from '../../processes/report_annotation/main'

workflow ANNOTATE_COHORT {
    take:
    ch_vcf         // channel: [ meta, vcf, tbi ] of the cohort, one
    ch_shard       // channel: [ name, bed ]
    table          // value: BED of all shards
    alphamissense  // value: AlphaMissense's table, published or packed (.dcam), or []
    amino_acids    // value: its table by amino acid, or []
    genes          // value: GFF3 or []
    scores         // value: [ NAME=FILE:ITEMS, ... ]
    tables         // value: [ files of scores and their indexes ]
    ch_reference   // value: [ fasta, fai, gzi or [] ]
    pedigree       // value: PLINK .ped

    main:
    ch_table = channel.value([])
    if (alphamissense && alphamissense.extension != 'dcam') {
        PACK_ALPHAMISSENSE(alphamissense, ch_reference)
        ch_table = PACK_ALPHAMISSENSE.out.packed
    }
    else if (alphamissense) {
        ch_table = channel.value(alphamissense)
    }
    ch_work = ch_shard
        .combine(ch_shard.count())
        .combine(ch_vcf)
        .map { shard, bed, n, _meta, vcf, tbi ->
            [[id: shard, sample: 'cohort', shard: shard, n_shards: n], bed, vcf, tbi]
        }
    ANNOTATE_SHARD(ch_work, ch_reference, ch_table, amino_acids, genes, scores, tables)
    ch_gathered = ANNOTATE_SHARD.out.vcf
        .map { row -> Gather.keyed(row) }
        .groupTuple()
        .map { row -> Gather.whole(row) }
    CONCAT_ANNOTATED(ch_gathered, table)
    ch_report = channel.empty()
    if (alphamissense || genes) {
        REPORT_ANNOTATION(CONCAT_ANNOTATED.out.vcf, pedigree)
        ch_report = REPORT_ANNOTATION.out.report
    }

    emit:
    vcf       = CONCAT_ANNOTATED.out.vcf        // channel: [ meta, vcf, tbi ]
    checksums = CONCAT_ANNOTATED.out.checksums  // channel: table of names, sizes and SHA-256
    report    = ch_report                       // channel: folder
}
