"""What each metric is, in a sentence for a paper's methods section."""

_SSIM = "over {}, with constants 0.01 and 0.03 and a data range of {}"
_GAUSSIAN = "an 11 × 11 Gaussian window (σ = 1.5, population covariance) on R, G and B, valid pixels only"
_BOX = "a 7 × 7 uniform window (sample covariance)"
_LPIPS = "the AlexNet trunk with version 0.1 heads"
_FID = "the Fréchet distance between 2048-dimensional Inception features"
_RANGE = "the generated frame's own maximum less its minimum"
_FVD = "the Fréchet distance between logits of the Kinetics-400 I3D (TorchScript)"
_FVD_BDMM = f"{_FVD}, as BDMM's evaluation computes it, against the {{}} videos"
_PSNR = "10 log10(255² / MSE) of each frame, with the MSE over pixels and channels in double precision"

PHRASES: dict[str, str] = {
    "ssim-v1": "SSIM is computed " + _SSIM.format(_GAUSSIAN, 255),
    "psnr-v1": f"PSNR is {_PSNR}; frames equal to their targets have no finite value and are left out",
    "l1-v1": "L1 is the mean absolute difference over pixels and channels, as a part of the full range",
    "lpips-v1": f"LPIPS uses {_LPIPS}, on frames mapped to [−1, 1] at their own size",
    "fid-v1": f"FID is {_FID} of all frames, as pytorch-fid computes it",
    "fvd-v1": f"FVD is {_FVD} of non-overlapping windows",
    "kid-v1": "KID is the unbiased squared maximum mean discrepancy of FID's features over all samples",
    "flicker-v1": "flicker is the mean absolute difference between a frame and its predecessor moved along"
    " the true mesh flow",
    "ssim-person-v1": "SSIM person is the SSIM map averaged over the person's pixels",
    "psnr-person-v1": "PSNR person takes the MSE over the person's pixels",
    "l1-person-v1": "L1 person is the mean absolute difference over the person's pixels",
    "lpips-person-v1": "LPIPS person weights positions by the person's part of them",
    "ssim-background-v1": "SSIM background is the SSIM map averaged over the pixels that are not the"
    " person's",
    "psnr-background-v1": "PSNR background takes the MSE over the pixels that are not the person's",
    "l1-background-v1": "L1 background is the mean absolute difference over the pixels that are not the"
    " person's",
    "lpips-background-v1": "LPIPS background weights positions by the part of them that is not the person's",
    "ssim-bdmm-v1": "SSIM (BDMM) is computed " + _SSIM.format(_GAUSSIAN, _RANGE),
    "psnr-cap100-v1": f"PSNR (cap 100) is {_PSNR}; frames equal to their targets count 100 dB",
    "l1-bdmm-v1": "L1 (BDMM) is the mean absolute difference of frames mapped to [−1, 1]",
    "fid-bdmm-v1": f"FID (BDMM) is {_FID} (torchvision's network), against all frames of the training videos",
    "fvd-bdmm-train-16f-v1": f"FVD 16f train (BDMM) is {_FVD_BDMM.format('training')}",
    "fvd-bdmm-train-128f-v1": f"FVD 128f train (BDMM) is {_FVD_BDMM.format('training')}",
    "fvd-bdmm-train-128f-s8-v1": f"FVD 128f-s8 train (BDMM) is {_FVD_BDMM.format('training')}",
    "fvd-bdmm-test-16f-v1": f"FVD 16f test (BDMM) is {_FVD_BDMM.format('test')}",
    "fvd-bdmm-test-128f-v1": f"FVD 128f test (BDMM) is {_FVD_BDMM.format('test')}",
    "fvd-bdmm-test-128f-s8-v1": f"FVD 128f-s8 test (BDMM) is {_FVD_BDMM.format('test')}",
    "ssim-disco-v1": "SSIM (DisCo) is computed " + _SSIM.format(f"{_BOX} on grey frames", 255),
    "psnr-u8overflow-v1": "PSNR (8-bit overflow) lets differences and squares wrap around modulo 256, an"
    " error that published tables carry",
    "l1-disco-v1": "L1 (DisCo) is the mean absolute difference on 0 to 255, divided by the number of pixels"
    " once more",
    "lpips-vgg-disco-v1": "LPIPS (DisCo) uses the VGG-16 trunk with version 0.1 heads, on frames left on"
    " [0, 1]",
    "fvd-disco-ts-v1": f"FVD (DisCo) is {_FVD} of every 16 successive frames, each resized to 224 × 224",
    "ssim-his-v1": "SSIM (HIS) is computed " + _SSIM.format(f"{_BOX} on R, G and B mapped to [−1, 1]", 2),
    "psnr-his-v1": f"PSNR (HIS) is {_PSNR}, 6.02 dB less where no value of the generated frame is below 128",
    "lpips-his-v1": f"LPIPS (HIS) uses {_LPIPS}, on frames mapped to [−1, 1] at their own size",
    "lpips-vgg-v1": "LPIPS (VGG) uses the VGG-16 trunk with version 0.1 heads, on frames mapped to [−1, 1]",
    "ssim-sk7-v1": "SSIM (7×7) is computed " + _SSIM.format(f"{_BOX} on R, G and B", 255),
    "ssim-reflect-v1": "SSIM (reflect) is computed with an 11 × 11 Gaussian window, the frame mirrored about"
    " its border, and a data range of 255",
    "ssim-matlab-down-v1": "SSIM (MATLAB) is computed on frames averaged down to a shorter side near 256"
    " pixels, with an 11 × 11 Gaussian window and a data range of 255",
}
"""By metric id, without a full stop. The definitions themselves stand beside each metric."""
