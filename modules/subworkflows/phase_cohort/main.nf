// Cohort VCF -> the same with unrelated samples phased statistically, a task a contig

include { PHASE_CONTIG } from '../../processes/phase_contig/main'
include { CONCAT_COHORT as CONCAT_PHASED } from '../../processes/concat_cohort/main'

workflow PHASE_COHORT {
    take:
    ch_vcf    // channel: [ meta, vcf, tbi ] of the cohort, one
    table     // value: BED of all shards
    panel     // value: name of the panel, {contig} standing for a contig's, or ''
    pedigree  // value: PLINK .ped

    main:
    ch_contig = table
        .flatMap { bed ->
            def names = bed.readLines().collect { it.tokenize('\t')[0] }.unique()
            names.withIndex().collect { name, i -> [name, i, names.size()] }
        }
        .map { name, i, n ->
            def id = String.format('contig_%05d', i + 1)  // names of contigs are not all names of files
            def found = panel ? file(panel.replace('{contig}', name), glob: false) : []
            if (panel && !found.exists()) {
                log.warn("--phase_panel has no file for ${name} (${found}): it is phased without a panel")
                found = []
            }
            [[id: id, sample: 'cohort', shard: name, n_shards: n], found]
        }
    ch_work = ch_contig.combine(ch_vcf).map { meta, found, _cohort, vcf, tbi -> [meta, vcf, tbi, found] }
    PHASE_CONTIG(ch_work, pedigree)
    ch_gathered = PHASE_CONTIG.out.vcf
        .map { row -> Gather.keyed(row, 'id') }
        .groupTuple()
        .map { row -> Gather.whole(row) }
    CONCAT_PHASED(ch_gathered, table)

    emit:
    vcf       = CONCAT_PHASED.out.vcf        // channel: [ meta, vcf, tbi ]
    checksums = CONCAT_PHASED.out.checksums  // channel: table of names, sizes and SHA-256
}
