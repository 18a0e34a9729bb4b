// All shards of one sample -> its gVCF and VCF, phased
process MERGE_SAMPLE {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(gvcfs, stageAs: 'gvcfs/*'), path(gvcf_indexes, stageAs: 'gvcfs/*'),
        path(vcfs, stageAs: 'vcfs/*'), path(vcf_indexes, stageAs: 'vcfs/*'), path(evidence, stageAs: 'phase/*')
    path shards  // the table of all shards: none may be missing
    path targets, stageAs: 'targets/*'  // BED or interval list whose coverage is told, or []

    output:
    tuple val(meta), path("${meta.sample}.g.vcf.gz"), path("${meta.sample}.g.vcf.gz.{tbi,csi}"), emit: gvcf
    tuple val(meta), path("${meta.sample}.vcf.gz"), path("${meta.sample}.vcf.gz.{tbi,csi}"), emit: vcf
    path "${meta.sample}.facts.json", emit: facts
    path "${meta.sample}.targets.tsv", emit: targets, optional: true
    path '*.checksums.tsv', emit: checksums
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def phase = task.ext.phase == false ? '' : '--phase-list phase.txt'
    def wanted = targets ? "--targets ${Shell.quote(targets)} --target-table ${meta.sample}.targets.tsv" : ''
    """
    ls gvcfs/*.vcf.gz > gvcfs.txt
    ls vcfs/*.vcf.gz > vcfs.txt
    ls phase/*.npz > phase.txt
    deepcohort merge --input-list gvcfs.txt --shards ${shards} ${phase} --output ${meta.sample}.g.vcf.gz \\
        --facts ${meta.sample}.facts.json ${wanted} --checksums ${meta.sample}.g.checksums.tsv ${task.ext.args ?: ''}
    deepcohort merge --input-list vcfs.txt --shards ${shards} ${phase} --output ${meta.sample}.vcf.gz \\
        --checksums ${meta.sample}.checksums.tsv ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch ${meta.sample}.{g.vcf.gz,g.vcf.gz.tbi,vcf.gz,vcf.gz.tbi,facts.json,checksums.tsv}
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
