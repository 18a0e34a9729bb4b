// Reads and truth of one sample -> labelled training examples
process MAKE_EXAMPLES {
    tag "${meta.id}"
    label 'process_medium'

    input:
    tuple val(meta), val(platform), path(reads, stageAs: 'reads/?/*'), path(indexes, stageAs: 'reads/?/*'),
        path(truth_vcf, stageAs: 'truth/*'), path(truth_index, stageAs: 'truth/*'), path(truth_bed, stageAs: 'truth/*'),
        path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    path regions, stageAs: 'regions/*'

    output:
    tuple val(meta), path("${meta.id}.examples"), emit: examples
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def inputs = (reads instanceof List ? reads : [reads]).collect { "--reads ${Shell.quote(it)}" }.join(' ')
    def scope = regions ? "--regions ${Shell.quote(regions)}" : ''
    """
    # a folder of examples is never added to, also not by a run resumed after a kill
    rm -rf ${meta.id}.examples
    deepcohort examples ${inputs} --reference ${fasta} --truth ${truth_vcf} --confident ${truth_bed} ${scope} \\
        --platform ${platform} --output ${meta.id}.examples --quiet ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    rm -rf ${meta.id}.examples; mkdir ${meta.id}.examples
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
