// Fingerprints of all samples -> whose reads they are: tables, report, warnings
process COMPARE_FINGERPRINTS {
    label 'process_low'

    input:
    path fingerprints, stageAs: 'samples/*'
    path pedigree
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    tuple path(sites, stageAs: 'sites/*'), path(sites_index, stageAs: 'sites/*')
    path regions, stageAs: 'regions/*'
    val contigs

    output:
    path 'fingerprints', emit: tables
    path 'warnings.txt', emit: warnings
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def where = [
        regions ? "--regions ${Shell.quote(regions)}" : '', contigs ? "--contigs ${Shell.quote(contigs)}" : '',
    ].join(' ')
    """
    rm -rf fingerprints
    deepcohort fingerprint compare --fingerprint samples --pedigree ${pedigree} --reference ${fasta} \\
        --sites ${Shell.quote(sites)} ${where} \\
        --output fingerprints --warnings warnings.txt
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    rm -rf fingerprints; mkdir fingerprints
    touch warnings.txt
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
