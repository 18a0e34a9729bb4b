// Aligned reads of all samples -> whose they are, by known SNPs

include { FINGERPRINT_SAMPLE   } from '../../processes/fingerprint_sample/main'
include { COMPARE_FINGERPRINTS } from '../../processes/compare_fingerprints/main'

workflow FINGERPRINT_COHORT {
    take:
    ch_sample     // channel: row of samples.json with aligned reads
    ch_reference  // value: [ fasta, fai, gzi or [] ]
    sites         // value: [ VCF or BCF of SNPs with frequencies, index ]
    pedigree      // value: PLINK .ped
    regions       // value: BED or []
    contigs       // value: names, comma-separated, or ''

    main:
    ch_work = ch_sample
        .map { row ->
            def local = row.reads.indices.findAll { !row.reads[it].contains('://') }
            if (!local) log.info("Note: ${row.sample}: no fingerprint, as its reads are at URLs")
            def meta = [id: row.sample, sample: row.sample, shard: 'all', n_shards: 1]
            [meta] + [row.reads, row.indexes].collect { files -> local.collect { file(files[it], glob: false) } }
        }
        .filter { _meta, reads, _indexes -> reads }
    FINGERPRINT_SAMPLE(ch_work, ch_reference, sites, regions, contigs)
    COMPARE_FINGERPRINTS(
        FINGERPRINT_SAMPLE.out.fingerprint.toSortedList { a, b -> a.name <=> b.name }.filter { it },
        pedigree, ch_reference, sites, regions, contigs,
    )

    emit:
    tables   = COMPARE_FINGERPRINTS.out.tables    // channel: folder
    warnings = COMPARE_FINGERPRINTS.out.warnings  // channel: text, a line each
}
