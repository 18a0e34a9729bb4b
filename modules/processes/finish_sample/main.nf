// Lanes of one sample -> one BAM or CRAM with its index, duplicates marked
process FINISH_SAMPLE {
    tag "${meta.id}"
    label 'process_medium'

    input:
    tuple val(platform), val(meta), path(lanes, stageAs: 'lanes/*'), path(aligners, stageAs: 'lanes/*')
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    val suffix  // bam or cram

    output:
    tuple val(meta), path("${meta.id}.${suffix}"), path("${meta.id}.${suffix}.{bai,crai}"), emit: reads
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def files = [lanes].flatten().collect { "--lane ${Shell.quote(it)}" }.join(' ')
    def programs = [aligners].flatten().collect { "--version-file ${Shell.quote(it)}" }.join(' ')
    def mark = platform == 'illumina' ? '--mark' : '--no-mark'
    """
    deepcohort align sample ${files} ${programs} --reference ${fasta} ${mark} --threads ${task.cpus} \\
        --output ${meta.id}.${suffix}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch ${meta.id}.${suffix} ${meta.id}.${suffix}.${suffix == 'cram' ? 'crai' : 'bai'}
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
