// Reference -> index of the aligner for reads of one platform
process INDEX_ALIGNER {
    tag "${platform}"
    label 'process_low'

    input:
    tuple val(platform), path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'),
        path(gzi, stageAs: 'reference/*')
    val aligner  // name, or auto

    output:
    tuple val(platform), path('index/genome.*'), emit: index
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    """
    deepcohort align index --reference ${fasta} --platform ${platform} --aligner ${aligner} --output index
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    mkdir -p index; touch index/genome.bwt index/genome.sa
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
