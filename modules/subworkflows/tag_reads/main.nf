// Every sample's reads, tagged by its phased VCF

include { HAPLOTAG_SAMPLE } from '../../processes/haplotag_sample/main'

workflow TAG_READS {
    take:
    ch_sample     // channel: row of samples.json with aligned reads
    ch_vcf        // channel: [ meta, vcf, tbi ] of each sample, phased
    ch_reference  // value: [ fasta, fai, gzi or [] ]

    main:
    ch_work = ch_vcf
        .map { meta, vcf, tbi -> [meta.sample, meta, vcf, tbi] }
        .join(ch_sample.map { row -> [row.sample, row] })
        .map { _name, meta, vcf, tbi, row ->
            def (remote, local) = row.reads.indices.split { row.reads[it].contains('://') }
            def files = { names -> local.collect { file(names[it], glob: false) } }
            [meta, vcf, tbi, row.platform, remote.collect { row.reads[it] }, files(row.reads), files(row.indexes)]
        }
    HAPLOTAG_SAMPLE(ch_work, ch_reference)

    emit:
    reads    = HAPLOTAG_SAMPLE.out.reads                     // channel: [ meta, bam, bai ]
}
