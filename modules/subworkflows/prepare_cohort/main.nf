// Samplesheet and indexed reference -> checked samples, and shards

include { CHECK_INPUTS    } from '../../processes/check_inputs/main'
include { SHARD_REFERENCE } from '../../processes/shard_reference/main'

workflow PREPARE_COHORT {
    take:
    ch_sheet      // value: samplesheet
    ch_reference  // value: [ fasta, fai, gzi or [] ]
    ch_staged     // value: [ files the samplesheet names ], for containers
    regions       // value: BED or []
    contigs       // value: names, comma-separated, or ''
    shard_bp      // value: callable bp per shard, or ''
    stored        // value: [ what says which samples are stored ] or []
    formats       // value: [ formats that the cohort will be exported to ]
    base_dir      // value: folder or ''
    launch_dir    // value: folder

    main:
    CHECK_INPUTS(ch_sheet, ch_reference, regions, contigs, base_dir, launch_dir, stored, formats, ch_staged)

    // The shards wait for the check (no work before the input is known to be sound) but do not take its
    // output: a sample more must not change their task, or -resume would call everything again.
    ch_checked = ch_reference
        .combine(CHECK_INPUTS.out.samples.map { [it] })
        .map { fasta, fai, gzi, _samples -> [fasta, fai, gzi] }
        .first()
    SHARD_REFERENCE(ch_checked, regions, contigs, shard_bp)

    ch_sample = CHECK_INPUTS.out.samples.splitJson()
    ch_shard  = SHARD_REFERENCE.out.shards
        .flatMap { beds -> [beds].flatten().sort { it.name } }
        .map { bed -> [bed.baseName, bed] }

    emit:
    sample    = ch_sample                               // channel: one row of samples.json
    samples   = CHECK_INPUTS.out.samples                // value: samples.json
    notes     = CHECK_INPUTS.out.notes                  // value: text of what is odd but allowed
    shard     = ch_shard                                // channel: [ name, bed ]
    n_shards  = ch_shard.count()                        // value: number of shards
    table     = SHARD_REFERENCE.out.table      // value: BED of all shards
    pedigree  = CHECK_INPUTS.out.pedigree      // value: PLINK .ped, stored samples included
}
