// Reads of one sample -> what they show at known SNPs
process FINGERPRINT_SAMPLE {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(reads, stageAs: 'reads/?/*'), path(indexes, stageAs: 'reads/?/*')
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    tuple path(sites, stageAs: 'sites/*'), path(sites_index, stageAs: 'sites/*')
    path regions, stageAs: 'regions/*'
    val contigs

    output:
    path "${meta.sample}.fingerprint.json", emit: fingerprint
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def inputs = (reads instanceof List ? reads : [reads]).collect { "--reads ${Shell.quote(it)}" }.join(' ')
    def where = [
        regions ? "--regions ${Shell.quote(regions)}" : '', contigs ? "--contigs ${Shell.quote(contigs)}" : '',
    ].join(' ')
    """
    deepcohort fingerprint sample ${inputs} --reference ${fasta} --sample ${meta.sample} \\
        --sites ${Shell.quote(sites)} ${where} \\
        --output ${meta.sample}.fingerprint.json
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch ${meta.sample}.fingerprint.json
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
